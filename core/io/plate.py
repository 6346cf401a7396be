"""Says in which colour space an EXR plate is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from faceplate.core.errors import ColorSpaceError
from faceplate.ocio.config import ColorConfig

_TOLERANCE = 2e-3
"""Writers round primaries to three or four digits; the nearest two gamuts differ by 0.015."""
_D65 = (0.3127, 0.329)
_ACES_WHITE = (0.32168, 0.33767)
_GAMUTS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, *_ACES_WHITE),
        "lin_ap1_scene": (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, *_ACES_WHITE),
        "lin_rec709_scene": (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, *_D65),
        "lin_p3d65_scene": (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, *_D65),
        "lin_rec2020_scene": (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, *_D65),
        "lin_adobergb_scene": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65),
    }
)


def plate_space(
    path: str, header: Mapping[str, object], config: ColorConfig, *, colorspace: str | None = None
) -> str:
    """Return the canonical name of the space of an EXR plate.

    In order of trust: what the user says, ``colorInteropID``, ``acesImageContainerFlag``, the
    chromaticities, a file rule of a studio's own config.

    Args:
        path: the plate's file, for the file rules and the error.
        header: the attributes of the part that holds the colour.
        config: names are resolved in it.
        colorspace: what the user says.

    Raises:
        ColorSpaceError: nothing tells the space, or it is unknown, data or display-referred.
    """
    chromaticities = header.get("chromaticities")
    interop = str(header.get("colorInteropID", ""))
    name = (
        colorspace
        or (interop if interop != "unknown" else "")
        or ("lin_ap0_scene" if header.get("acesImageContainerFlag") == 1 else "")
        or (gamut_space(chromaticities) if isinstance(chromaticities, tuple) else "")
        or config.file_rule(path)
    )
    if not name:
        raise ColorSpaceError(
            f"{path} does not say which colour space it is in.",
            hint=f"Name it with --colorspace, for example {', '.join(config.common_spaces())}.",
            path=path,
        )
    if name == colorspace:
        return config.plate_space(name)
    try:
        return config.plate_space(name)
    except ColorSpaceError as error:
        raise ColorSpaceError(
            f"{path} cannot be taken as a plate: {error}",
            hint=f"If its tag is wrong, name the space with --colorspace. {error.hint}",
            path=path,
            **error.facts,
        ) from error


def gamut_space(chromaticities: tuple[float, ...]) -> str:
    """Return the interop ID of the linear space with these primaries and white, or "".

    >>> gamut_space((0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329))
    'lin_rec709_scene'
    """
    for name, gamut in _GAMUTS.items():
        if all(abs(a - b) <= _TOLERANCE for a, b in zip(chromaticities, gamut, strict=True)):
            return name
    return ""
