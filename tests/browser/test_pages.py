import itertools

import pytest
import reports
import shown_reports
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import browser
from gradcheck_core import GradientReport, Verdict

HOSTILE = (
    "<script>document.title='taken'</script>",
    "w\u202egnp",
    "\ud800\x1b[31m",
    "שלום",
    "x" * 10_000,
    "'\"><img src=x>",
)


def hostile_report():
    worst = [reports.parameter(name, Verdict.BUG, difference=0.1 * k) for k, name in enumerate(HOSTILE)]
    return reports.report(*worst, notes=HOSTILE)


REPORTS = {
    "wrong": shown_reports.wrong_report,
    "right": shown_reports.right_report,
    "kinked": shown_reports.kinked_report,
    "parity": shown_reports.parity_report,
    "hostile": hostile_report,
}


@pytest.fixture(scope="module")
def driver():
    with browser.chromium() as running:
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory, driver):
    folder = tmp_path_factory.mktemp("pages")

    def show(kind):
        path = folder / f"{kind}.html"
        if not path.exists():
            REPORTS[kind]().to_html(path)
        browser.opened(driver, path)
        return driver

    return show


def column(driver, position):
    rows = driver.find_elements(By.CSS_SELECTOR, "table.sortable tbody tr")
    return [row.find_elements(By.CSS_SELECTOR, "th, td")[position].text for row in rows]


def sorting(driver):
    headings = driver.find_elements(By.CSS_SELECTOR, "table.sortable thead th")
    return [heading.get_attribute("aria-sort") for heading in headings]


def button(driver, position):
    return driver.find_elements(By.CSS_SELECTOR, "table.sortable thead button")[position]


@pytest.mark.parametrize("kind", REPORTS)
def test_a_page_opens_without_a_word_on_the_console_and_asks_for_nothing(page, kind):
    driver = page(kind)

    assert driver.get_log("browser") == []
    assert browser.requested(driver) == [driver.current_url]
    assert driver.title.startswith("gradcheck: ")


def test_what_a_page_would_load_from_elsewhere_is_noticed_and_refused(page):
    driver = page("right")

    driver.execute_script("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
    driver.execute_async_script("setTimeout(arguments[0], 200)")

    assert any("Content Security Policy" in entry["message"] for entry in driver.get_log("browser"))


def test_a_script_in_a_name_is_text(page):
    driver = page("hostile")

    assert driver.title == "gradcheck: BUG"
    assert HOSTILE[0] in driver.find_element(By.ID, "parameters").text
    assert len(driver.find_elements(By.TAG_NAME, "script")) == 1
    assert driver.find_elements(By.CSS_SELECTOR, "img") == []


def test_a_click_sorts_and_another_turns_around(page):
    driver = page("wrong")
    button(driver, 0).click()
    ascending = column(driver, 0)

    assert ascending == ["layer1.bias", "layer1.weight", "layer2.bias", "layer2.weight"]
    assert sorting(driver)[0] == "ascending"

    button(driver, 0).click()

    assert column(driver, 0) == ascending[::-1]
    assert sorting(driver) == ["descending"] + 8 * ["none"]


def test_the_keyboard_sorts_numbers_as_numbers(page):
    driver = page("wrong")
    button(driver, 2).send_keys(Keys.ENTER)
    differences = [float(text) for text in column(driver, 2)]

    assert differences == sorted(differences, reverse=True)
    assert differences[0] > 0.1 > differences[-1]
    assert sorting(driver)[2] == "descending"

    driver.switch_to.active_element.send_keys(Keys.SPACE)

    assert [float(text) for text in column(driver, 2)] == differences[::-1]


def test_verdicts_sort_by_how_bad_they_are_and_shapes_by_size(page):
    driver = page("wrong")
    button(driver, 4).click()

    assert column(driver, 4) == ["BUG", "BUG", "CORRECT", "CORRECT"]

    button(driver, 1).click()

    assert column(driver, 1) == ["5\u00d76", "6\u00d72", "6", "2"]


def test_the_rows_of_a_comparison_sort(page):
    driver = page("parity")
    button(driver, 5).click()
    differences = [float(text) for text in column(driver, 5)]

    assert differences == sorted(differences, reverse=True)


def test_the_filter_hides_other_names_and_says_how_many_are_left(page):
    driver = page("wrong")
    driver.find_element(By.ID, "parameters-filter").send_keys("BIAS")
    shown = [row for row in driver.find_elements(By.CSS_SELECTOR, "#parameters tbody tr") if row.is_displayed()]

    assert len(shown) == 2
    assert driver.find_element(By.CSS_SELECTOR, "[role=status]").text == "2 of 4 parameters"


def test_the_first_key_leads_past_the_header_and_every_stop_can_be_seen(page):
    driver = page("wrong")
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)

    assert driver.switch_to.active_element.text == "Skip to the result"

    driver.switch_to.active_element.send_keys(Keys.ENTER)

    assert driver.switch_to.active_element.get_attribute("id") == "main"

    stops = 1 + 1 + 9  # the filter, the table's region, which can be scrolled, and its headings
    for _ in range(stops):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        assert driver.switch_to.active_element.value_of_css_property("outline-style") == "solid"


@pytest.mark.parametrize("kind", ["wrong", "kinked", "parity"])
def test_a_screen_reader_finds_landmarks_headings_captions_and_every_figure_in_words(page, kind):
    driver = page(kind)
    figures = driver.find_elements(By.TAG_NAME, "figure")
    tree = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles = [node["role"]["value"] for node in tree if not node.get("ignored")]
    images = [node for node in tree if node["role"]["value"] == "image" and not node.get("ignored")]
    levels = [int(h.tag_name[1]) for h in driver.find_elements(By.CSS_SELECTOR, "h1, h2, h3")]
    identifiers = driver.execute_script("return Array.from(document.querySelectorAll('[id]'), (one) => one.id)")

    assert {"banner", "main", "contentinfo", "table", "columnheader", "rowheader"} <= set(roles)
    assert len(figures) >= 3
    assert len(images) >= len(figures)
    assert all(len(node["name"]["value"]) > 40 for node in images if node["name"]["value"])
    assert levels[0] == 1
    assert all(following - level <= 1 for level, following in itertools.pairwise(levels))
    assert len(identifiers) == len(set(identifiers))
    assert all(table.find_elements(By.TAG_NAME, "caption") for table in driver.find_elements(By.TAG_NAME, "table"))


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted([luminance(one), luminance(other)], reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_page_in_light_and_in_dark(page, scheme):
    driver = page("wrong")
    browser.prefer(driver, scheme)
    ground = driver.find_element(By.TAG_NAME, "html").value_of_css_property("background-color")
    chosen = "h1, .verdict, dt, td, th, figcaption, caption, footer p"
    texts = {element.value_of_css_property("color") for element in driver.find_elements(By.CSS_SELECTOR, chosen)}
    in_figures = {t.value_of_css_property("fill") for t in driver.find_elements(By.CSS_SELECTOR, "figure text")}

    assert (luminance(ground) > 0.5) == (scheme == "light")
    assert min(contrast(text, ground) for text in texts | in_figures) >= 4.5


def test_the_button_overrides_what_the_system_prefers(page):
    driver = page("wrong")
    browser.prefer(driver, "light")
    theme = driver.find_element(By.ID, "theme")
    grounds = []
    for _ in range(3):
        theme.click()
        grounds.append(luminance(driver.find_element(By.TAG_NAME, "html").value_of_css_property("background-color")))

    assert [ground > 0.5 for ground in grounds] == [True, False, True]
    assert theme.text == "Theme: the system's"


def test_nothing_is_cut_off_on_a_narrow_screen(page):
    driver = page("wrong")
    driver.set_window_size(500, 900)
    wider = driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    driver.set_window_size(1200, 900)

    assert wider <= 0


def test_ten_thousand_parameters_sort(driver, tmp_path):
    many = (reports.parameter(f"layers.{k}.weight", difference=(k * 7919 % 10_000) * 1e-12) for k in range(10_000))
    report: GradientReport = reports.report(*many)
    report.to_html(tmp_path / "many.html")
    browser.opened(driver, tmp_path / "many.html")
    button(driver, 0).click()
    first = driver.execute_script("return document.querySelector('#parameters tbody').rows[10].cells[0].textContent")

    assert first.strip() == "layers.10.weight"  # numbers in names count as such
    assert driver.get_log("browser") == []
