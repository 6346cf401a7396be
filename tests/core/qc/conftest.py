"""Comps made by hand from the small shot's plate, so that what they measure is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceplate.core.analyse import AnalysisSettings, analyse_shot
from faceplate.core.arrays import FloatArray
from faceplate.core.face import FaceObservation
from faceplate.core.frame import Frame
from faceplate.core.io.exr import read_frame, write_frame
from faceplate.core.io.footage import open_footage
from faceplate.core.job import FaceChoice
from faceplate.core.qc.measured import Measured, measure_shot
from faceplate.core.qcjob import Limits, QcJob, report_path
from faceplate.nodes.face import FACE_QC
from faceplate.ocio.config import open_config

Change = Callable[[int, FloatArray, FloatArray], FloatArray]
"""Frame number, colour (H, W, 3) and matte (H, W) to the finished colour."""


def unchanged(number: int, color: FloatArray, matte: FloatArray) -> FloatArray:
    return color


@dataclass(frozen=True)
class Finisher:
    """Makes comps of a plate whose face is known."""

    plate: str
    cache: Path
    faces: dict[int, FaceObservation]

    def finish(
        self, folder: Path, change: Change = unchanged, *, size: float = 0.45, **header: str
    ) -> str:
        """Write a comp with a hard elliptic matte, ``size`` of the face's box from its middle."""
        for number in self.faces:
            plate = read_frame(self.plate % number, number)
            matte = self.ellipse(number, plate, size)
            color = change(number, plate.rgb(), matte)
            touched = (matte > 0) & (color != plate.rgb()).any(axis=2)
            channels: dict[str, Any] = dict(plate.channels)
            for index, name in enumerate("RGB"):
                finished = color[..., index].astype(np.float16)
                channels[name] = np.where(touched, finished, channels[name])
            channels["matte_blend.A"] = matte.astype(np.float16)
            entries = {**plate.header, "faceplate/frame": "replaced", **header}
            done = Frame(number, channels, plate.data, plate.display, 1.0, "", entries)
            write_frame(folder / f"c.{number}.exr", done)
        return str(folder / "c.%04d.exr")

    def ellipse(self, number: int, plate: Frame, size: float) -> FloatArray:
        x0, y0, x1, y1 = self.faces[number].box
        rows, columns = np.mgrid[: plate.data.height, : plate.data.width] + 0.5
        x, y = (columns - (x0 + x1) / 2) / (x1 - x0), (rows - (y0 + y1) / 2) / (y1 - y0)
        return (np.hypot(x, y) < size).astype(np.float32)

    def job(self, comp: str, **changes: Any) -> QcJob:
        limits = {field.name: FACE_QC.values({})[field.name] for field in fields(Limits)}
        entries: dict[str, Any] = {
            "name": "small",
            "plate": self.plate,
            "start": 1001,
            "colorspace": None,
            "ocio": None,
            "comp": comp,
            "actor": None,
            "track": None,
            "official": (),
            "matte_in": None,
            "covers": False,
            "face": FaceChoice(index=0),
            "frames": None,
            "layer_prefix": "",
            "smoothing": 1.0,
            "report": report_path(comp),
            "overwrite": False,
            "limits": Limits(**limits),
        }
        return QcJob(**(entries | changes))

    def measure(self, comp: str, **changes: Any) -> Measured:
        return measure_shot(
            self.job(comp, **changes),
            progress=lambda _: None,
            threads=1,
            cache_folder=self.cache,
        )


@pytest.fixture(scope="session")
def finisher(small_shot: Any) -> Finisher:
    """Return the maker of comps of the small shot."""
    cache = small_shot.cache / "observations"
    settings = AnalysisSettings(1.0, 1, cache, embed=True)
    config = open_config(None)
    shot = analyse_shot(open_footage(small_shot.plate, config), config, settings)
    return Finisher(small_shot.plate, cache, dict(shot.tracks[0].observations))
