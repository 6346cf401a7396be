"""One picture and its windows: `Window`, `Frame`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray
from faceplate.core.errors import ContractError


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open rectangle of whole raster pixels: ``x0 <= x < x1``, ``y0 <= y < y1``.

    >>> Window(0, 0, 4, 3).clipped(Window(2, -1, 9, 2))
    Window(x0=2, y0=0, x1=4, y1=2)
    """

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Columns; 0 when empty."""
        return max(self.x1 - self.x0, 0)

    @property
    def height(self) -> int:
        """Rows; 0 when empty."""
        return max(self.y1 - self.y0, 0)

    @property
    def is_empty(self) -> bool:
        """Whether no pixel lies inside."""
        return self.width == 0 or self.height == 0

    def clipped(self, other: Window) -> Window:
        """Return what both windows share."""
        return Window(
            max(self.x0, other.x0),
            max(self.y0, other.y0),
            min(self.x1, other.x1),
            min(self.y1, other.y1),
        )

    def joined(self, other: Window) -> Window:
        """Return the smallest window that holds both."""
        return Window(
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )

    def grown(self, margin: int) -> Window:
        """Return the window with ``margin`` pixels more on every side."""
        return Window(self.x0 - margin, self.y0 - margin, self.x1 + margin, self.y1 + margin)

    def slices_in(self, outer: Window) -> tuple[slice, slice]:
        """Return the rows and columns of this window in an array that covers ``outer``."""
        return (
            slice(self.y0 - outer.y0, self.y1 - outer.y0),
            slice(self.x0 - outer.x0, self.x1 - outer.x0),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture as it is on disk, bit for bit.

    Attributes:
        number: the plate's own frame number.
        channels: name to (H, W) array over the data window, in the file's own type
            (float16, float32 or uint32). Views may share one interleaved buffer.
        data: the data window; where the arrays lie.
        display: the display window.
        pixel_aspect: width of a pixel divided by its height.
        space: OCIO name of the colour space of R, G, B.
        header: everything else the file's header says, in the writer's own form; opaque.
    """

    number: int
    channels: Mapping[str, AnyArray]
    data: Window
    display: Window
    pixel_aspect: float
    space: str
    header: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that every channel covers the data window, and freeze the mapping."""
        for name, plane in self.channels.items():
            if plane.shape != (self.data.height, self.data.width):
                raise ContractError(f"Channel {name} does not cover the data window.", name=name)
        object.__setattr__(self, "channels", MappingProxyType(dict(self.channels)))

    @property
    def color_names(self) -> tuple[str, str, str]:
        """The names of the main picture's red, green and blue channels.

        Plain ``R G B``, or Blender's ``ViewLayer.Combined.R`` and so on.
        """
        for prefix in ("", *sorted({n.rpartition(".")[0] + "." for n in self.channels})):
            names = (f"{prefix}R", f"{prefix}G", f"{prefix}B")
            if (not prefix or prefix.endswith("Combined.")) and all(
                n in self.channels for n in names
            ):
                return names
        raise ContractError(f"Frame {self.number} has no R, G, B channels.", number=self.number)

    def rgb(self, window: Window | None = None) -> FloatArray:
        """Return colour as (h, w, 3) float32, scene (or the plate's own encoding).

        Args:
            window: raster pixels to return, the data window by default. What lies outside the
                data window is black.
        """
        window = window or self.data
        inside = window.clipped(self.data)
        picture = np.zeros((window.height, window.width, 3), np.float32)
        if not inside.is_empty:
            rows, columns = inside.slices_in(self.data)
            target = picture[inside.slices_in(window)]
            for index, name in enumerate(self.color_names):
                target[..., index] = self.channels[name][rows, columns]
        return picture
