"""Pictures to judge work by: contact sheet, strip, sheet of an actor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from faceplate.core.arrays import AnyArray, DoubleArray, FloatArray
from faceplate.core.canvas import (
    DIM,
    GROUND,
    draw_dot,
    draw_line,
    fitted,
    framed,
    save_png,
    title_bar,
    widened_to,
    write_text,
)
from faceplate.core.errors import ContractError
from faceplate.core.selection import traits
from faceplate.core.source import Actor, View

DISCLOSURE = "FACE REPLACED"
TILE_HEIGHT = 270
DIFFERENCE_GAIN = 8.0

_MAP_SIZE = (900, 1400)
_THUMB, _CARD = 110, 200
_PUSHES = 200
_LEAST_SPAN_DEGREES = 24.0

Display = Callable[[FloatArray], FloatArray]
"""Scene pixels (H, W, 3) to display codes, 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class SheetRow:
    """One frame of a contact sheet, at preview size.

    Attributes:
        number: the plate's frame number.
        tiles: (h, w, 3) float32 display codes: plate, result, matte, difference.
        caption: what became of the frame, or "".
    """

    number: int
    tiles: tuple[FloatArray, FloatArray, FloatArray, FloatArray]
    caption: str = ""


def sheet_row(
    number: int,
    plate: FloatArray,
    result: FloatArray,
    matte: FloatArray,
    *,
    display: Display,
    pixel_aspect: float = 1.0,
    height: int = TILE_HEIGHT,
    caption: str = "",
) -> SheetRow:
    """Reduce a frame for a contact sheet, so that full frames need not be kept.

    Args:
        plate, result: (H, W, 3) float32, scene.
        matte: (H, W) float32 coverage, what was replaced.
        display: scene to display codes.
        pixel_aspect: width of a pixel divided by its height.
        height: of the tiles, in pixels.
        caption: a word for the frame, such as why it is untouched.
    """
    width = max(round(height * plate.shape[1] * pixel_aspect / plate.shape[0]), 1)
    before, after = (display(fitted(_finite(p), (height, width))) for p in (plate, result))
    cover = fitted(np.clip(_finite(matte), 0, 1), (height, width))
    difference = np.clip(np.abs(after - before) * DIFFERENCE_GAIN, 0, 1)
    cover = np.repeat(cover[..., None], 3, axis=2)
    return SheetRow(number, (before, after, cover, difference), caption)


def contact_sheet(path: Path, rows: Sequence[SheetRow], *, shot: str) -> None:
    """Write a contact sheet as PNG: a row a frame with plate, result, matte and difference.

    Raises:
        ContractError: no rows.
        DiskError: the folder or the disk refuses.
    """
    if not rows:
        raise ContractError("A contact sheet takes at least one frame.")
    heads = ("plate", "result", "matte", f"difference x{DIFFERENCE_GAIN:g}")
    lines: list[FloatArray] = []
    for row in rows:
        tiles = [tile.copy() for tile in row.tiles]
        for tile, head in zip(tiles, heads, strict=True):
            said = f"{row.number}  {head}"
            write_text(tile, f"{said}  {row.caption}" if row.caption and head == "result" else said)
        write_text(tiles[1], DISCLOSURE, at=(6, tiles[1].shape[0] - 8))
        lines.append(np.hstack([framed(tile) for tile in tiles]))
    width = max(line.shape[1] for line in lines)
    sheet = np.vstack(
        [title_bar(f"{shot}   {DISCLOSURE}", width), *(widened_to(x, width) for x in lines)]
    )
    save_png(path, sheet)


def strip(
    path: Path, crops: Sequence[FloatArray], *, labels: Sequence[str] = (), per_row: int = 8
) -> None:
    """Write crops (h, w, 3) of display codes side by side as PNG, as they follow in time.

    Raises:
        ContractError: no crops.
        DiskError: the folder or the disk refuses.
    """
    if not crops:
        raise ContractError("A strip takes at least one crop.")
    height = max(crop.shape[0] for crop in crops)
    tiles = []
    for index, crop in enumerate(crops):
        width = max(round(crop.shape[1] * height / crop.shape[0]), 1)
        tile = fitted(crop, (height, width)).copy()
        if index < len(labels):
            write_text(tile, labels[index])
        tiles.append(framed(tile))
    lines = [np.hstack(tiles[k : k + per_row]) for k in range(0, len(tiles), per_row)]
    width = max(line.shape[1] for line in lines)
    save_png(path, np.vstack([widened_to(line, width) for line in lines]))


def actor_sheet(path: Path, actor: Actor) -> None:
    """Write a picture of an actor as PNG: the map with thumbnails, then a card for each view.

    Raises:
        DiskError: the folder or the disk refuses.
    """
    drawn = _draw_map(actor)
    cards = [_card(actor, index) for index in range(len(actor.views))]
    per_row = drawn.shape[1] // _CARD
    blank = np.full_like(cards[0], GROUND)
    cards += [blank] * (-len(cards) % per_row)
    lines = [np.hstack(cards[k : k + per_row]) for k in range(0, len(cards), per_row)]
    consent = "no consent" if actor.consent is None else f"consent {actor.consent.reference}"
    title = f"{actor.name}   {len(actor.views)} views   {consent}   {actor.digest[:12]}"
    body = [drawn, *(widened_to(line, drawn.shape[1]) for line in lines)]
    save_png(path, np.vstack([title_bar(title, drawn.shape[1]), *body]))


def _draw_map(actor: Actor) -> FloatArray:
    """Draw views over yaw (to the right) and pitch (up), with the map's triangles."""
    rows, columns = _MAP_SIZE
    canvas = np.full((rows, columns, 3), GROUND, np.float32)
    poses = np.array([[view.pose.yaw, view.pose.pitch] for view in actor.views])
    low, high = poses.min(axis=0), poses.max(axis=0)
    middle = (low + high) / 2
    span = np.maximum(high - low, [_LEAST_SPAN_DEGREES * columns / rows, _LEAST_SPAN_DEGREES])
    scale = float(min((columns - 2.5 * _THUMB) / span[0], (rows - 2.5 * _THUMB) / span[1]))

    def place(points: AnyArray) -> DoubleArray:
        flipped = (np.asarray(points, np.float64) - middle) * [scale, -scale]
        return flipped + [columns / 2, rows / 2]

    _draw_grid(canvas, place, scale, middle)
    nodes = place(actor.map.nodes)
    kept = len(actor.map.order)
    for triangle in actor.map.triangles:
        for a, b in zip(triangle, np.roll(triangle, -1), strict=True):
            shade = 0.55 if a < kept and b < kept else 0.2
            draw_line(canvas, nodes[a], nodes[b], shade)
    spots = place(poses)
    centers = _apart(spots, (columns, rows))
    for spot, center in zip(spots, centers, strict=True):
        draw_line(canvas, spot, center, 0.8)
    for index, (view, center) in enumerate(zip(actor.views, centers, strict=True)):
        thumb = _face_of(view, _THUMB)
        is_calm = actor.map.cell[index] == index
        edge = (0.2, 0.8, 0.35) if is_calm else (0.95, 0.65, 0.15)
        cv2.rectangle(thumb, (0, 0), (_THUMB - 1, _THUMB - 1), edge, 2)
        write_text(thumb, str(index), at=(5, 16))
        x, y = np.round(center - _THUMB / 2).astype(int)
        canvas[y : y + _THUMB, x : x + _THUMB] = thumb
    for spot in spots:
        draw_dot(canvas, spot, 4, (1.0, 0.25, 0.2))
    return canvas


def _draw_grid(
    canvas: FloatArray, place: Callable[[AnyArray], DoubleArray], scale: float, middle: DoubleArray
) -> None:
    rows, columns = canvas.shape[:2]
    step = next(s for s in (2, 5, 10, 15, 30, 90) if s * scale >= 60 or s == 90)
    for axis, reach in ((0, columns), (1, rows)):
        half = reach / 2 / scale
        first = int(np.ceil((middle[axis] - half) / step)) * step
        for degrees in range(first, int(middle[axis] + half) + 1, step):
            at = place(np.where(np.arange(2) == axis, degrees, middle))
            ends = ([at[0], 0.0], [at[0], rows]) if axis == 0 else ([0.0, at[1]], [columns, at[1]])
            draw_line(canvas, np.array(ends[0]), np.array(ends[1]), 0.14)
            spot = (int(at[0]) + 3, rows - 6) if axis == 0 else (4, int(at[1]) - 4)
            write_text(canvas, f"{'yaw' if axis == 0 else 'pitch'} {degrees}", at=spot, shade=DIM)


def _apart(spots: DoubleArray, size: tuple[int, int]) -> DoubleArray:
    """Push thumbnails apart until few overlap, the same way every time."""
    centers = spots.copy()
    # Views of the very same pose need some direction to leave each other in.
    angles = np.arange(len(spots)) * 2.399963
    centers += np.column_stack([np.cos(angles), np.sin(angles)])
    for _ in range(_PUSHES):
        gap = centers[:, None] - centers[None]
        overlap = np.maximum(_THUMB + 4 - np.abs(gap), 0)
        hits = (overlap > 0).all(axis=2) & ~np.eye(len(spots), dtype=bool)
        if not hits.any():
            break
        shorter = overlap[..., 0] <= overlap[..., 1]
        push = np.stack([shorter, ~shorter], axis=2) * overlap * np.where(gap < 0, -1, 1)
        centers = centers + 0.3 * (push * hits[..., None]).sum(axis=1)
        centers = np.clip(centers, _THUMB / 2 + 1, np.array(size) - _THUMB / 2 - 2)
    return np.asarray(np.clip(centers, _THUMB / 2, np.array(size) - _THUMB / 2 - 1))


def _card(actor: Actor, index: int) -> FloatArray:
    view = actor.views[index]
    picture = _face_of(view, _CARD, cover=True)
    known = traits(view.expression)
    said = [f"{name} {value:.1f}" for name, value in known.items() if value >= 0.3]
    lines = (
        f"{index} {view.name[-24:]}",
        f"{view.pose.yaw:z.0f} {view.pose.pitch:z.0f} deg  {view.face_height:.0f} px",
        ", ".join(said) or "calm",
    )
    card = np.vstack([picture, np.full((3 * 16 + 6, _CARD, 3), GROUND, np.float32)])
    for row, line in enumerate(lines):
        write_text(card, line, at=(4, _CARD + 14 + 16 * row), scale=0.38)
    return card


def _face_of(view: View, size: int, *, cover: bool = False) -> FloatArray:
    """Return a square picture of a view in display codes, exposed for its skin."""
    gain = 0.25 / max(float(np.exp2(view.skin[:3].mean())), 1e-4)
    codes = np.clip(view.picture.astype(np.float32) * np.float32(gain), 0, 1) ** np.float32(1 / 2.4)
    if cover:
        skin = view.skin_coverage.astype(np.float32)[..., None]
        codes = codes * (0.45 + 0.55 * skin)
    low, high = view.mesh[:, :2].min(axis=0), view.mesh[:, :2].max(axis=0)
    side = 1.5 * float((high - low).max())
    corner = (low + high) / 2 - side / 2
    matrix = np.array([[1, 0, corner[0]], [0, 1, corner[1]]]) * [[side / size], [side / size]]
    matrix[:, 2] = corner
    blur = 0.4 * side / size
    if blur > 0.5:
        codes = cv2.GaussianBlur(codes, (0, 0), blur)
    matrix[:, 2] += 0.5 * side / size - 0.5  # OpenCV's centres are on integers
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(codes, matrix, (size, size), flags=flags), np.float32)


def _finite(picture: FloatArray) -> FloatArray:
    return np.nan_to_num(picture.astype(np.float32), nan=0.0, posinf=65504.0, neginf=0.0)
