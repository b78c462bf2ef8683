import contextlib
import json
import os
import pickle
import socket
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save, save_file

from gradcheck_core.errors import MappingError, SnapshotError
from gradcheck_core.migration.compare import compare_sides
from gradcheck_core.migration.snapshots import snapshot_file
from gradcheck_core.migration.snapshots.inputs import Input
from gradcheck_core.migration.snapshots.snapshot import make_side
from gradcheck_core.migration.snapshots.stored import Snapshot

SNAPSHOT = Snapshot(
    theta={"w": np.array([[1.5, -2.0], [0.25, 3.0]]), "b": np.float32([0.1, 0.2]), "s": np.array(0.5)},
    d_theta={"w": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": np.array([0.5, np.nan]), "s": np.array(-1.0)},
    cost=0.1,
    dtypes={"w": "float64", "b": "bfloat16", "s": "float64"},
    precision="float64",
    backend="numpy",
    name="net",
    seed=3,
    inputs=(Input("0", (2,), "float64", "abc", "def"),),
    versions={"numpy": "1"},
)


def written(path, snapshot=SNAPSHOT):
    snapshot_file.write(path, snapshot)
    return path


@pytest.fixture
def file(tmp_path):
    return written(tmp_path / "net.safetensors")


def parts(data):
    """The header's table, and the bytes of the numbers."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def joined(table, numbers):
    text = json.dumps(table).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def with_record(data, **changes):
    table, numbers = parts(data)
    record = json.loads(table["__metadata__"]["gradcheck"])
    table["__metadata__"]["gradcheck"] = json.dumps({**record, **changes})
    return joined(table, numbers)


def refused(path, data, match):
    path.write_bytes(data)
    with pytest.raises(SnapshotError, match=match) as raised:
        snapshot_file.read(path)
    assert str(path) in str(raised.value)


def test_what_was_written_is_read_in_the_order_and_dtypes_it_had(file):
    found = snapshot_file.read(file)

    assert list(found.theta) == ["w", "b", "s"]
    assert all(np.array_equal(found.theta[name], values) for name, values in SNAPSHOT.theta.items())
    assert all(np.array_equal(found.d_theta[n], v, equal_nan=True) for n, v in SNAPSHOT.d_theta.items())
    assert [found.theta[name].dtype for name in found.theta] == [np.float64, np.float32, np.float64]
    assert (found.cost, found.dtypes, found.seed) == (0.1, SNAPSHOT.dtypes, 3)
    assert (found.name, found.inputs, found.versions) == ("net", SNAPSHOT.inputs, {"numpy": "1"})
    assert not found.altered


def test_complex_parameters_come_back_complex(tmp_path):
    z = np.array([1 + 2j, 3 - 1j])
    snapshot = Snapshot({"z": z.astype(np.complex64)}, {"z": 2 * z}, 1.0, {"z": "complex64"}, "float64", "numpy")

    found = snapshot_file.read(written(tmp_path / "z", snapshot))

    assert (found.theta["z"].dtype, found.d_theta["z"].dtype) == (np.complex64, np.complex128)
    assert np.array_equal(found.theta["z"], z)
    assert np.array_equal(found.d_theta["z"], 2 * z)


def test_any_reader_of_safetensors_finds_theta_and_its_gradient(file):
    tensors = load_file(file)

    assert sorted(tensors) == ["d_theta.b", "d_theta.s", "d_theta.w", "theta.b", "theta.s", "theta.w"]
    assert np.array_equal(tensors["theta.w"], SNAPSHOT.theta["w"])


def test_the_same_snapshot_is_the_same_bytes_wherever_it_is_written(file, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    again = written(tmp_path / "elsewhere" / "other.safetensors")

    assert again.read_bytes() == file.read_bytes()


def test_arrays_that_are_not_contiguous_are_written_as_they_read(tmp_path):
    w = np.arange(6.0).reshape(2, 3)
    snapshot = Snapshot({"w": w.T}, {"w": w[:, ::-1].T}, 1.0, {"w": "float64"}, "float64", "numpy")

    found = snapshot_file.read(written(tmp_path / "t", snapshot))

    assert np.array_equal(found.theta["w"], w.T)
    assert np.array_equal(found.d_theta["w"], w[:, ::-1].T)


def test_the_arrays_of_a_snapshot_cannot_be_written_to(file):
    for values in (SNAPSHOT.theta["w"], snapshot_file.read(file).d_theta["w"]):
        with pytest.raises(ValueError, match="read-only"):
            values[0, 0] = 1.0


def test_numbers_edited_by_another_program_are_read_and_marked(file):
    table, _ = parts(file.read_bytes())
    tensors = {name: array.copy() for name, array in load_file(file).items()}
    tensors["d_theta.w"][1, 0] += 1e-9
    save_file(tensors, file, metadata=table["__metadata__"])

    found = snapshot_file.read(file)

    assert found.altered
    assert found.d_theta["w"][1, 0] == 3.0 + 1e-9


def test_a_missing_file_an_empty_one_and_a_folder_are_told_apart(tmp_path):
    refused(tmp_path / "empty", b"", "the file is empty")
    with pytest.raises(SnapshotError, match="there is no such file"):
        snapshot_file.read(tmp_path / "nothing")
    with pytest.raises(SnapshotError, match="not a regular file"):
        snapshot_file.read(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(SnapshotError, match="not a regular file"):
        snapshot_file.read(tmp_path / "pipe")


def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")
        with pytest.raises(SnapshotError, match="not a regular file"):
            snapshot_file.read("s")


def test_every_cut_is_a_truncated_file(file):
    data = file.read_bytes()
    for length in (len(data) - 1, len(data) // 2, 9, 100):
        refused(file, data[:length], "truncated")


def test_a_file_of_another_kind_is_not_a_safetensors_file(file):
    refused(file, pickle.dumps({"w": 1}), r"not a snapshot \(a safetensors file\)")
    refused(file, b"PK\x03\x04" + bytes(100), r"not a snapshot \(a safetensors file\)")
    refused(file, b"short", r"not a snapshot \(a safetensors file\)")


def test_nothing_in_a_pickle_is_executed(file, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "boom"),)

    refused(file, pickle.dumps(Bomb()), r"not a snapshot \(a safetensors file\)")

    assert not (tmp_path / "boom").exists()


def test_a_safetensors_file_of_something_else_is_foreign(file):
    refused(file, save({"w": np.zeros(2)}), "a safetensors file, but not a snapshot")
    refused(file, save({"w": np.zeros(2)}, metadata={"format": "pt"}), "a safetensors file, but not a snapshot")
    refused(file, with_record(file_bytes(file), format="something"), "its format is 'something'")


def file_bytes(path):
    return written(path).read_bytes()


def test_a_newer_format_says_to_upgrade(file):
    refused(
        file, with_record(file.read_bytes(), format_version=2), "format 2, and this gradcheck reads up to 1; upgrade"
    )


@pytest.mark.parametrize("claimed", [snapshot_file.MOST_HEADER_BYTES + 1, 2**40, 2**63, 2**64 - 1])
def test_an_oversized_header_is_refused_before_it_is_read(file, claimed):
    refused(file, struct.pack("<Q", claimed) + b"{" + bytes(100), "oversized")


def test_a_tensor_that_claims_more_than_the_file_has_is_refused(file):
    table, numbers = parts(file.read_bytes())
    table["theta.w"]["shape"] = [2**31, 2**31]
    refused(file, joined(table, numbers), "truncated or damaged")
    table["theta.w"].update(shape=[2**40], data_offsets=[0, 2**43])
    refused(file, joined(table, numbers), "truncated or damaged")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shape", [-2, -2]),
        ("shape", [2.0, 2.0]),
        ("shape", [10**30]),
        ("shape", [1] * 5000),
        ("data_offsets", [64, 32]),
        ("dtype", "F99"),
        ("dtype", "BF16"),
        ("dtype", None),
    ],
)
def test_a_tensor_that_cannot_be_is_damage(file, key, value):
    table, numbers = parts(file.read_bytes())
    table["theta.w"][key] = value
    refused(file, joined(table, numbers), "damaged: .*; record the snapshot again")


def test_a_tensor_of_integers_is_not_a_parameter(file):
    table, numbers = parts(file.read_bytes())
    table["theta.w"]["dtype"] = "I64"
    refused(file, joined(table, numbers), "`theta.w` is int64 of shape")


def test_metadata_that_is_not_a_table_of_texts_is_refused(file):
    table, numbers = parts(file.read_bytes())
    for metadata in ([1], {"gradcheck": 1}, None):
        refused(file, joined({**table, "__metadata__": metadata}, numbers), "damaged|not a snapshot")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"parameters": []}, "no parameter"),
        ({"parameters": 3}, "3 is not of type list"),
        ({"cost": "much"}, "'much' is not of type float"),
        ({"cost": None}, "None is not of type float"),
        ({"cost": float("nan")}, "cost, roundoff and noise have to be finite"),
        ({"noise": "inf"}, "cost, roundoff and noise have to be finite"),
        ({"parameters": [{"name": "w", "shape": [4], "dtype": "int64"}]}, "a parameter without a floating dtype"),
        ({"seed": 1.5}, "1.5 is not of type int"),
        ({"report": {}}, "lacks 'verdict'"),
        ({"report": []}, "cannot be understood"),
        ({"versions": []}, "is not of type dict"),
        ({"contents": None}, "None is not of type str"),
        ({"parameters": [{"name": "w", "shape": [4], "dtype": "float64"}]}, "`theta.w` is float64 of shape"),
        ({"parameters": [{"name": "x", "shape": [4], "dtype": "float64"}]}, "`theta.x` is missing"),
    ],
)
def test_a_record_that_says_something_impossible_is_damaged(file, change, match):
    refused(file, with_record(file.read_bytes(), **change), match)


def test_deep_nesting_is_damage_not_a_crash(file):
    text = b'{"a":' + b"[" * 100_000
    refused(file, struct.pack("<Q", len(text)) + text, "truncated or damaged: .*; record the snapshot again")


def test_a_name_of_any_length_and_kind_makes_a_short_message(file):
    text = json.dumps({"\x1b[31m" * 1000: {"dtype": "F64"}}).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text)

    with pytest.raises(SnapshotError, match="truncated or damaged") as raised:
        snapshot_file.read(file)
    assert len(str(raised.value)) < 300 + len(str(file))
    assert "\x1b" not in str(raised.value)


def test_parameters_that_are_not_finite_are_damage(file):
    table, numbers = parts(file.read_bytes())
    begin, _ = table["theta.w"]["data_offsets"]
    nan = struct.pack("<d", float("nan"))
    refused(file, joined(table, numbers[:begin] + nan + numbers[begin + 8 :]), "`theta.w` is not finite everywhere")


def test_overlapping_and_superfluous_numbers_are_damage(file):
    table, numbers = parts(file.read_bytes())
    refused(file, joined(table, numbers + b"more"), "damaged")
    table["theta.s"]["data_offsets"] = [0, 8]
    refused(file, joined(table, numbers), "damaged")


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(file, monkeypatch):
    before = file.read_bytes()

    def fails(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(SnapshotError, match="cannot be written: No space left on device"):
        written(file, Snapshot({"w": np.zeros(1)}, {"w": np.zeros(1)}, 0.0, {"w": "float64"}, "float64", "numpy"))

    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_an_interrupted_write_leaves_the_old_file_too(file, monkeypatch):
    before = file.read_bytes()

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        written(file)

    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(SnapshotError, match="cannot be written"):
        written(tmp_path / "nowhere" / "net.safetensors")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return written(tmp_path_factory.mktemp("whole") / "net.safetensors")


def held_against_itself(found):
    """The report of what was read against what was written."""
    return compare_sides({"read": make_side(found, "read"), "written": make_side(SNAPSHOT, "written")}, "read")


@settings(max_examples=400)
@given(
    edits=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=8),
    cut=st.integers(0, 3000),
    tail=st.binary(max_size=16),
)
@example(edits=[], cut=3000, tail=b"")
def test_a_file_damaged_anywhere_is_read_or_refused_and_nothing_else_happens(whole, tmp_path_factory, edits, cut, tail):
    data = bytearray(whole.read_bytes())
    for place, byte in edits:
        data[place % len(data)] = byte
    damaged = whole.with_name("damaged")
    damaged.write_bytes(bytes(data[:cut]) + tail)

    with contextlib.suppress(
        SnapshotError, MappingError
    ):  # a mapping: two parameters of the file may have changed names
        assert str(held_against_itself(snapshot_file.read(damaged)))


@settings(max_examples=200)
@given(
    key=st.sampled_from(["cost", "parameters", "inputs", "report", "versions", "seed", "case", "format_version"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "shape", "dtype"]), inner),
        max_leaves=6,
    ),
)
@example(key="cost", value=-1.6e259)  # a factor between the costs that no gradient can be multiplied by
def test_a_record_with_anything_in_it_is_read_or_refused(whole, key, value):
    damaged = whole.with_name("damaged")
    damaged.write_bytes(with_record(whole.read_bytes(), **{key: value}))

    with contextlib.suppress(
        SnapshotError, MappingError
    ):  # a mapping: two parameters of the file may have changed names
        assert str(held_against_itself(snapshot_file.read(damaged)))
