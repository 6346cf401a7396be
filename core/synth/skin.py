"""What a head looks like at every vertex: colour, shine, hairline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faceplate.core.arrays import AnyArray, FloatArray, smoothstep
from faceplate.core.synth import shade
from faceplate.core.synth.head import EYE_LEFT, GUMS, LASH, LID, SCALP, SOCKET, TEETH, HeadModel
from faceplate.core.synth.scene import Hair, Person

_GUM, _TOOTH, _SOCKET, _LID = (
    (0.36, 0.11, 0.10),
    (0.70, 0.64, 0.53),
    (0.30, 0.09, 0.08),
    (0.45, 0.2, 0.17),
)
_RED = np.array([1.0, 0.70, 0.70])
_AZIMUTH = (0.0, 0.35, 0.7, 0.95, 1.15, 1.45, 1.75, 2.2, 3.15)


def hairline_height(model: HeadModel, hair: Hair) -> FloatArray:
    """Return how far above the hairline each vertex lies, (V,) float32 cm; -9 off the scalp."""
    fields = model.fields
    y = model.neutral[:, 1]
    front, temple, side, nape = hair.hairline
    heights = (front, front, temple, temple - 1.4, side + 2.4, side, nape + 4.2, nape + 1.0, nape)
    # A little waviness: no hairline is drawn with a ruler.
    wave = 0.18 * np.sin(model.neutral[:, 0] * 2.3 + hair.detail % 7) + 0.12 * np.sin(
        fields.azimuth * 31.0
    )
    height = y - np.interp(fields.azimuth, _AZIMUTH, heights) + wave
    if hair.thinning > 0.0:
        crown = np.hypot(model.neutral[:, 0], (model.neutral[:, 2] + 1.0) * 0.8)
        bare = (2.0 + 4.5 * hair.thinning - crown) * (y > 8.0)
        height = np.minimum(height, np.where(y > 8.0, -bare, 9.0))
    height[(model.part > SCALP) | (fields.ear > -0.25)] = -9.0
    return height.astype(np.float32)


def wrinkled(model: HeadModel, shape: FloatArray, normals: FloatArray, age: float) -> FloatArray:
    """Return a resting head with the relief of age."""
    return shape + normals * (0.05 * age * model.fields.wrinkle)[:, None]


def head_attributes(
    model: HeadModel, person: Person, scalp: FloatArray, opening: float
) -> FloatArray:
    """Return the attributes of a head but for position and normal, (V, 20) float32.

    Args:
        scalp: (V,) height above the hairline.
        opening: how far the mouth is open, 0 to 1: how much light enters.
    """
    fields, part, skin = model.fields, model.part, person.skin
    out = np.zeros((len(part), shade.ATTRIBUTES), np.float32)
    out[:, shade.ALBEDO : shade.ALBEDO + 3] = _albedo(model, person, scalp)
    on_skin = part <= SCALP
    lip = smoothstep(0.2, 0.8, fields.lip)
    out[:, shade.GLOSS] = skin.gloss * (0.55 + 0.9 * fields.oil + 0.7 * lip + skin.lipstick * lip)
    out[:, shade.SHINE] = 16 + 12 * fields.oil + 40 * lip
    out[:, shade.SUBSURFACE] = 1.0
    out[:, shade.NECK] = np.maximum(fields.neck, fields.ear)
    out[:, shade.OPEN] = fields.open
    out[:, shade.BUMP] = skin.pores * (1 - 0.7 * lip)
    out[:, shade.SPOTS] = (
        skin.freckles
        * np.clip(0.25 + fields.cheek + fields.nose + 0.4 * fields.oil, 0, 1)
        * (1 - lip)
    )
    out[:, [shade.U, shade.V]] = model.uv
    out[:, shade.INSIDE] = fields.inside
    out[:, shade.SCALP] = scalp - 0.25 if person.hair.strands else -9.0
    painted = smoothstep(-0.1, 0.5, scalp) * bool(person.hair.strands)
    out[:, shade.GLOSS] *= 1 - 0.8 * painted
    dark = np.clip(1 - fields.inside / 5.5, 0.04, 1) * (0.35 + 0.5 * min(opening * 1.6, 1.0))
    for index, gloss, shine in ((SOCKET, 0.8, 60.0), (GUMS, 0.8, 60.0), (TEETH, 1.0, 90.0)):
        chosen = part == index
        out[chosen, shade.GLOSS], out[chosen, shade.SHINE] = gloss, shine
        out[chosen, shade.BUMP] = 0.0
        near = smoothstep(0.5, 0.05, fields.inside[chosen]) if index == SOCKET else 0.0
        out[chosen, shade.OPEN] = near + (1 - near) * dark[chosen]
    out[part == LID, shade.OPEN] = 0.4
    out[part >= EYE_LEFT, shade.OPEN] = 0.8
    out[~on_skin, shade.NECK] = -9.0
    return out


def _albedo(model: HeadModel, person: Person, scalp: FloatArray) -> AnyArray:
    fields, part, skin = model.fields, model.part, person.skin
    tone = np.array(skin.tone)
    color = np.tile(tone, (len(part), 1))
    blotch = _blotches(model, skin.detail)
    color *= 1 + skin.mottle * 0.10 * blotch[:, None] * [0.6, 1.0, 1.0]
    ear = smoothstep(-0.5, 0.5, fields.ear)
    red = (
        skin.blush
        * (0.5 * fields.cheek + 0.55 * fields.nose + 0.4 * ear + 0.2 * fields.chin)
        * np.clip(1 + 0.6 * blotch, 0.2, 2.0)
    )
    color *= 1 - np.clip(red, 0, 1)[:, None] * (1 - _RED)
    hollow = skin.shadows * np.clip(fields.under_eye + 0.6 * fields.lid, 0, 1)
    color *= 1 - hollow[:, None] * [0.35, 0.42, 0.38]
    color *= 1 - skin.age * 0.18 * np.clip(-fields.wrinkle, 0, 1)[:, None]
    _mix(color, skin.eyeshadow * np.clip(1.3 * fields.lid - 0.15, 0, 1), skin.shade)
    _mix(color, skin.rouge * fields.cheek, tone * [1.0, 0.5, 0.5])
    lip = smoothstep(0.15, 0.75, fields.lip)
    _mix(color, lip, skin.lips)
    beard = person.hair.color if person.beard.length == 0.0 else person.beard.color
    grown = np.clip(fields.beard + fields.moustache, 0, 1) * (1 + 0.3 * blotch)
    _mix(color, np.clip(skin.stubble * grown, 0, 1), np.minimum(beard, tone * 0.55))
    if person.beard.length > 0.0:
        covered = np.maximum(
            fields.beard * person.beard.cheeks, fields.moustache * person.beard.moustache
        )
        _mix(color, 0.8 * smoothstep(0.3, 0.8, covered), np.array(person.beard.color) * 0.6)
    taper = np.interp(fields.brow_along, [0, 0.15, 0.6, 1.0], [0.8, 1.0, 0.85, 0.35])
    brow = np.clip(1 - (fields.brow / (skin.brow_width * taper)) ** 2, 0, 1)
    brow_color = np.minimum(np.array(person.hair.color), tone * 0.45)
    _mix(color, skin.brow_strength * brow * (part == 0), brow_color)
    if person.hair.strands:
        cover = 0.92 if max(person.hair.length) > 1.0 else 0.75
        _mix(color, cover * smoothstep(-0.1, 0.6, scalp), np.array(person.hair.color) * 0.55)
    if skin.painted > 0.0:
        # Splashes: where a smooth noise is above what leaves that share of it.
        noise = _blotches(model, skin.detail + 5)
        edge = np.quantile(noise[part == 0], 1 - 0.6 * skin.painted)
        _mix(color, 0.92 * smoothstep(edge - 0.15, edge + 0.15, noise) * (part <= 1), skin.paint)
    inside = np.clip(fields.inside / 0.45, 0, 1)
    socket = part == SOCKET
    wet = (
        np.array(skin.lips) * (1 - inside[socket, None]) + np.array(_SOCKET) * inside[socket, None]
    )
    color[socket] = wet
    for index, value in ((GUMS, _GUM), (TEETH, _TOOTH), (LID, _LID), (LASH, (0, 0, 0))):
        color[part == index] = value
    return np.clip(color, 0.002, 0.95)


def _mix(color: AnyArray, amount: AnyArray, other: Sequence[float] | AnyArray) -> None:
    share = np.asarray(amount)[:, None]
    color *= 1 - share
    color += share * np.asarray(other)


def _blotches(model: HeadModel, detail: int) -> FloatArray:
    """Return smooth noise over the head, (V,), about unit variance."""
    rng = np.random.default_rng(detail)
    waves = rng.normal(size=(12, 3)) * np.repeat([0.5, 1.2, 2.4], 4)[:, None]
    phase = rng.uniform(0, 2 * np.pi, 12)
    weight = np.repeat([1.0, 0.7, 0.5], 4)
    noise = np.sin(model.neutral @ waves.T.astype(np.float32) + phase.astype(np.float32)) @ weight
    return np.asarray(noise / np.sqrt(0.5 * (weight**2).sum()), np.float32)
