"""The report as one HTML file: table, plots, and the worst frames with a wipe."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import cv2
import numpy as np
from jinja2 import Environment

from faceplate.core.arrays import FloatArray
from faceplate.core.canvas import fitted, write_text
from faceplate.core.errors import ContractError
from faceplate.core.frame import Window
from faceplate.core.qc.measured import Measured
from faceplate.core.qc.verdict import Row
from faceplate.core.qc.walk import face_window
from faceplate.core.review import DISCLOSURE
from faceplate.ocio.display import DisplayView

WORST = 6
"""Frames that are shown with a wipe."""
_CROP_PX = 512
_LABEL_PX = 132
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _FOOT = 720, 150, 56, 12, 10, 22


@dataclass(frozen=True, slots=True)
class Plot:
    """A measure over the frames, in the units of an SVG of 720 x 150.

    Attributes:
        row: the measure.
        lines: points of each unbroken stretch of frames, as an SVG has them.
        dots: frames that stand alone, x and y.
        limit: y of the limit, or None where it lies outside of the picture.
        marks: x, y and text along the left and below.
        worst: x and y of the worst frame.
    """

    row: Row
    lines: Sequence[str]
    dots: Sequence[tuple[float, float]]
    limit: float | None
    marks: Sequence[tuple[float, float, str]]
    worst: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Crop:
    """A frame of the report.

    Attributes:
        number: the plate's frame number.
        before, after: data URIs of PNG pictures of one size.
        width, height: of them, in pixels.
        said: what the frame measures, as (title, value with unit, whether it is past its limit).
    """

    number: int
    before: str
    after: str
    width: int
    height: int
    said: Sequence[tuple[str, str, bool]]


def page_of(measured: Measured) -> str:
    """Return the report as HTML that needs no other file and no network.

    Raises:
        InputError: a frame cannot be read again.
    """
    text = (resources.files("faceplate.core.qc") / "report.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)
    rows = measured.rows
    untouched = Counter(f.reason for f in measured.facts if f.reason)
    crops = [_crop(measured, number) for number in worst_frames(rows)]
    return template.render(
        job=measured.job,
        rows=rows,
        exceeded=[row for row in rows if row.is_passed],
        plots=[
            plot_of(row, measured.pair.numbers)
            for row in rows
            if any(row.series.values()) and row.knob != "grain_most"
        ],
        crops=crops,
        notes=measured.notes,
        frames=len(measured.pair.numbers),
        untouched=untouched,
        disclosure=DISCLOSURE,
        number=number_text,
        names=_named,
    )


def number_text(value: float | None) -> str:
    """Return a number as a person reads it: three digits, whole numbers whole.

    >>> number_text(0.35487), number_text(12.0), number_text(1234.5), number_text(None)
    ('0.355', '12', '1234', '-')
    """
    if value is None:
        return "-"
    return f"{value:.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"


def worst_frames(rows: Sequence[Row]) -> list[int]:
    """Return the frames to look at: the worst of each measure, those furthest past limits first."""
    found: dict[int, float] = {}
    for row in rows:
        if row.worst is not None:
            badness = row.badness(row.worst)
            found[row.worst] = max(found.get(row.worst, 0.0), badness)
        for number in row.frames[:1]:
            found[number] = max(found.get(number, 0.0), 2.0)
    ordered = sorted(found, key=lambda n: (-found[n], n))
    return sorted(ordered[:WORST])


def plot_of(row: Row, shot: Sequence[int]) -> Plot:
    """Return the plot of a measure over all frames of a shot; some of them have a value above 0."""
    numbers = sorted(row.series)
    values = np.array([row.series[n] for n in numbers])
    top = 1.15 * float(values.max())
    if row.limit <= 2.5 * top:
        top = max(top, 1.1 * row.limit)
    first, last = min(shot), max(shot)

    def place(number: float, value: float) -> tuple[float, float]:
        x = _LEFT + (number - first) / max(last - first, 1) * (_WIDTH - _LEFT - _RIGHT)
        y = _TOP + (1 - value / top) * (_HEIGHT - _TOP - _FOOT)
        return round(x, 1), round(y, 1)

    stretches: list[list[int]] = []
    for number in numbers:
        if stretches and number - stretches[-1][-1] == 1:
            stretches[-1].append(number)
        else:
            stretches.append([number])
    points = [[place(n, row.series[n]) for n in stretch] for stretch in stretches]
    marks = [(_LEFT - 6.0, place(first, v)[1] + 4, number_text(v)) for v in (0.0, top / 1.1)]
    foot = _HEIGHT - 6.0
    marks += [(place(n, 0)[0], foot, str(n)) for n in dict.fromkeys((first, last))]
    worst = row.worst if row.worst is not None else first
    limit = place(first, row.limit)[1]
    return Plot(
        row=row,
        lines=[" ".join(f"{x},{y}" for x, y in part) for part in points if len(part) > 1],
        dots=[part[0] for part in points if len(part) == 1],
        limit=limit if limit >= _TOP else None,
        marks=marks,
        worst=place(worst, row.series[worst]),
    )


def _crop(measured: Measured, number: int) -> Crop:
    pair = measured.pair
    plate = pair.plate.read(number)
    track = measured.seen.face
    face = None if track is None else track.at(number)
    shown = plate.display.clipped(plate.data)
    shown = plate.data if shown.is_empty else shown
    window = shown if face is None else face_window(face).clipped(plate.data)
    window = shown if window.is_empty else window
    display = DisplayView(pair.config, pair.plate.space)
    before = _picture(display(plate.rgb(window)), plate.pixel_aspect, window)
    if number in pair.comp.frames.numbers:
        comp = pair.comp.read(number)
        after = _picture(display(comp.rgb(window)), plate.pixel_aspect, window)
        # On the right, where the wipe shows the comp.
        write_text(after, DISCLOSURE, at=(after.shape[1] - _LABEL_PX, after.shape[0] - 8))
    else:
        after = np.zeros_like(before)
        write_text(after, "missing")
    said = [
        (
            row.title,
            f"{number_text(row.series[number])} {row.unit}".strip(),
            row.badness(number) > 1,
        )
        for row in measured.rows
        if number in row.series and row.knob not in ("grain_most", "drift_most")
    ]
    said += [(row.title, "yes", row.is_passed) for row in measured.rows if number in row.frames]
    return Crop(number, _uri(before), _uri(after), before.shape[1], before.shape[0], said)


def _picture(codes: FloatArray, pixel_aspect: float, window: Window) -> FloatArray:
    """Return display codes at the size of the report, with square pixels."""
    width, height = window.width * pixel_aspect, float(window.height)
    factor = min(_CROP_PX / max(width, height), 1.0)
    size = (max(round(height * factor), 1), max(round(width * factor), 1))
    return np.array(fitted(codes, size))


def _uri(codes: FloatArray) -> str:
    bytes_ = np.round(np.clip(codes, 0, 1) * 255).astype(np.uint8)
    done, content = cv2.imencode(".png", bytes_[..., ::-1])
    if not done:
        raise ContractError("A picture of the report could not be made a PNG.")
    return "data:image/png;base64," + base64.b64encode(content.tobytes()).decode("ascii")


def _named(row: Row) -> str:
    """Return the frames that a row names, as few words as will do."""
    if row.frames:
        more = len(row.frames) - 8
        return ", ".join(map(str, row.frames[:8])) + (f" and {more} more" if more > 0 else "")
    return "" if row.worst is None or row.badness(row.worst) == 0 else str(row.worst)


def facts_of(measured: Measured) -> Mapping[str, object]:
    """Return the report as JSON has it."""
    return {
        "generator": "faceplate qc",
        "shot": measured.job.name,
        "plate": measured.job.plate,
        "comp": measured.job.comp,
        "frames": list(measured.pair.numbers),
        "passed": not measured.exceeded,
        "exceeded": measured.exceeded,
        "untouched": {str(f.number): f.reason for f in measured.facts if f.reason},
        "notes": list(measured.notes),
        "measures": [
            {
                "limit_name": row.knob,
                "title": row.title,
                "unit": row.unit,
                "value": row.value,
                "limit": row.limit,
                "good": None if row.value is None else not row.is_passed,
                "means": row.means,
                "worst": row.worst,
                "frames": list(row.frames),
                "note": row.note,
                "series": {str(n): value for n, value in sorted(row.series.items())},
            }
            for row in measured.rows
        ],
    }
