"""Pages as they were written, taken apart, and reports to write."""

from html.parser import HTMLParser

import numpy as np

import gradcheck_core as gc


class Page(HTMLParser):
    """What elements a page has, and its text."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.content, self.titles = [], [], "", []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [name for name, _ in attrs]
        self.titles += [value for name, value in attrs if name == "title"]

    def handle_data(self, data):
        self.content += data


def page_of(report, folder):
    report.to_html(folder / "page.html")
    source = (folder / "page.html").read_bytes().decode("utf-8")
    return source, Page(source)


def wrong_by(name):
    """A real check of a parameter of this name, with a wrong entry."""
    w = np.linspace(0.1, 1.0, 6).reshape(2, 3)
    claimed = np.cos(w)
    claimed[1, 2] = 2.0
    return gc.check_gradients(lambda p: float(np.sum(np.sin(p[name]))), {name: w}, {name: claimed})
