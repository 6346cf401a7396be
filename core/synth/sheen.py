"""The light that leaves hair."""

from __future__ import annotations

import numba
import numpy as np

from faceplate.core.arrays import FloatArray
from faceplate.core.synth.shade import Illumination, harmonics_at, lit_share


@numba.njit(nogil=True, cache=True, fastmath=False)
def strand_light(
    points: FloatArray,
    color: FloatArray,
    thickness: FloatArray,
    outward: FloatArray,
    gloss: float,
    around: Illumination,
) -> FloatArray:
    """Return the light that leaves strands, (N, K, 3) float32.

    Args:
        points: (N, K, 3) world.
        color: (N, 3) albedo.
        thickness: (N, K) how much hair lies above, 0 to 1.
        outward: (N, K, 3) unit directions out of the hair's mass.
        gloss: strength of the highlights.
        around: what lights them.

    Source:
        Kajiya and Kay, "Rendering fur with three dimensional textures", 1989.
    """
    view, lamps, sh = around.camera, around.lamps, around.sh
    count, length = points.shape[0], points.shape[1]
    light = np.zeros((count, length, 3), np.float32)
    sky = np.zeros(3)
    lit = 1.0
    for s in range(count):
        for k in range(length):
            x, y, z = points[s, k, 0], points[s, k, 1], points[s, k, 2]
            i, j = max(k - 1, 0), min(k + 1, length - 1)
            tx = points[s, j, 0] - points[s, i, 0]
            ty = points[s, j, 1] - points[s, i, 1]
            tz = points[s, j, 2] - points[s, i, 2]
            size = np.sqrt(tx * tx + ty * ty + tz * tz) + 1e-9
            tx, ty, tz = tx / size, ty / size, tz / size
            vx, vy, vz = view[0] - x, view[1] - y, view[2] - z
            size = np.sqrt(vx * vx + vy * vy + vz * vz) + 1e-9
            vx, vy, vz = vx / size, vy / size, vz / size
            ox, oy, oz = outward[s, k, 0], outward[s, k, 1], outward[s, k, 2]
            open_ = 1.0 - 0.75 * thickness[s, k]
            harmonics_at(sh, ox, oy, oz, sky)
            tv = tx * vx + ty * vy + tz * vz
            sin_view = np.sqrt(max(1.0 - tv * tv, 0.0))
            for c in range(3):
                light[s, k, c] = sky[c] * (0.85 * color[s, c] + 0.012 * gloss) * open_
            if k % 2 == 0 or k == length - 1:
                lit = lit_share(around, 5, 3.0, x + 0.5 * ox, y + 0.5 * oy, z + 0.5 * oz)
            for m in range(lamps.shape[0]):
                if lamps[m, 3] + lamps[m, 4] + lamps[m, 5] <= 0.0:
                    continue
                lx, ly, lz = lamps[m, 0], lamps[m, 1], lamps[m, 2]
                tl = tx * lx + ty * ly + tz * lz
                sin_light = np.sqrt(max(1.0 - tl * tl, 0.0))
                wrap = min(max((ox * lx + oy * ly + oz * lz + 0.4) / 1.4, 0.0), 1.0)
                reach = wrap * (lit if m == 0 else 1.0) * open_
                shift = 0.07
                mirror = max(sin_light * sin_view - (tl + shift) * tv, 0.0)
                # Light from behind glows through thin hair.
                behind = max(-(vx * lx + vy * ly + vz * lz), 0.0)
                glow = 0.9 * behind**3 * (1.0 - thickness[s, k]) ** 2 * (lit if m == 0 else 1.0)
                first = mirror**50 * 0.09 * gloss
                second = max(sin_light * sin_view - (tl - shift) * tv, 0.0) ** 12 * 0.16 * gloss
                for c in range(3):
                    tint = np.sqrt(color[s, c])
                    body = 0.85 * color[s, c] * sin_light
                    light[s, k, c] += lamps[m, 3 + c] * glow * color[s, c] * sin_light
                    light[s, k, c] += (
                        lamps[m, 3 + c] * reach * (body + first + second * tint * tint)
                    )
    return light
