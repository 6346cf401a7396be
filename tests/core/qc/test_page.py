"""The report is one file that needs nothing else, and shows the worst frames."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceplate.core.qc.measured import Measured
from faceplate.core.qc.page import facts_of, page_of, plot_of, worst_frames
from faceplate.core.qc.verdict import Row

PNG = "data:image/png;base64,"


class Page(HTMLParser):
    """Collects what a page shows, and fails on tags that do not close and on other files."""

    EMPTY = frozenset({"meta", "img", "input", "br", "line", "circle", "polyline"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.pictures: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert tag not in ("script", "link", "iframe")
        for name, value in attrs:
            if name in ("src", "href"):
                assert value is not None and value.startswith(PNG)
                self.pictures.append(value.removeprefix(PNG))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def measured(finisher: Any, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Measure a comp whose frame 1003 is twice as bright in the face."""
    folder = tmp_path_factory.mktemp("report")

    def lit(number: int, color: Any, matte: Any) -> Any:
        gain = np.float32(2 if number == 1003 else 1.02)
        return np.where(matte[..., None] > 0, color * gain, color)

    comp = finisher.finish(folder, lit, size=0.3)
    Path(comp % 1006).unlink()
    return finisher.measure(comp, name="<b>small & co</b>")


def test_the_page_is_whole_and_shows_plate_and_comp_of_the_worst_frames(
    measured: Measured,
) -> None:
    text = page_of(measured)
    page = Page(text)

    shown = re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)
    assert "://" not in shown and "@import" not in shown and "url(" not in shown
    assert "<b>small & co</b>" in page.words  # as text, not as a tag
    assert len(page.of("input")) == len(page.pictures) / 2 == len(worst_frames(measured.rows))
    pictures = [
        cv2.imdecode(np.frombuffer(base64.b64decode(p), np.uint8), cv2.IMREAD_COLOR)
        for p in page.pictures
    ]
    names = [attributes["alt"] for attributes in page.of("img")]
    before = pictures[names.index("plate, frame 1003")].astype(float)
    after = pictures[names.index("comp, frame 1003")].astype(float)
    assert before.shape == after.shape
    middle = np.s_[before.shape[0] // 2 - 8 : before.shape[0] // 2 + 8]
    assert after[middle].mean() > before[middle].mean() + 5
    assert pictures[names.index("comp, frame 1006")].mean() < 5  # it is missing


def test_a_limit_that_is_passed_stands_in_words_on_the_page(measured: Measured) -> None:
    words = Page(page_of(measured)).words

    assert f"{len(measured.exceeded)} limits passed" in " ".join(words.split())
    assert measured.exceeded and all(name in words for name in measured.exceeded)


def test_the_json_has_every_measure_with_its_frames(measured: Measured) -> None:
    facts = json.loads(json.dumps(facts_of(measured), allow_nan=False))

    assert facts["passed"] is False and facts["exceeded"] == measured.exceeded
    by_name = {m["limit_name"]: m for m in facts["measures"]}
    assert by_name["missing_most"]["frames"] == [1006]
    assert by_name["seam_most"]["worst"] == 1003
    assert set(by_name["seam_most"]["series"]) == {"1001", "1002", "1003", "1004", "1005"}
    assert by_name["identity_most"]["good"] is None


def test_a_plot_breaks_at_a_gap_and_puts_values_and_limit_in_order() -> None:
    series = {1: 1.0, 2: 2.0, 3: 1.0, 6: 4.0, 9: 1.0, 10: 1.0}
    plot = plot_of(Row("jitter_most", "jitter", "px", 2.0, 3.0, "", series), range(1, 11))

    assert [len(line.split()) for line in plot.lines] == [3, 2]
    assert len(plot.dots) == 1 and plot.worst == plot.dots[0]
    first, second, _ = (tuple(map(float, p.split(","))) for p in plot.lines[0].split())
    assert first[0] < second[0] < plot.worst[0]
    assert plot.limit is not None
    assert first[1] > second[1] > plot.limit > plot.worst[1]  # an SVG's y goes down


def test_the_worst_frames_are_those_furthest_past_their_limits() -> None:
    def row(knob: str, series: dict[int, float], frames: tuple[int, ...] = ()) -> Row:
        return Row(knob, "", "", 0.0, 1.0, "", series, "", frames)

    rows = [row(f"m{n}_most", {n: n / 10, 100 + n: 0.05}) for n in range(1, 10)]
    rows.append(row("grain_least", {50: 0.02, 51: 3.0}))
    rows.append(row("missing_most", {}, (70, 71)))

    assert worst_frames(rows) == [6, 7, 8, 9, 50, 70]
