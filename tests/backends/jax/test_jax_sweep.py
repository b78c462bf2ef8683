import jax_operators


def test_every_public_function_of_jax_is_swept_or_left_out_with_a_reason():
    assert jax_operators.gaps() == []


def test_no_two_samples_of_jax_have_the_same_name():
    names = [(case.operator, case.label) for case in jax_operators._samples()]

    assert len(set(names)) == len(names)
