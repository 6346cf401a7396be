"""Finds and opens the OCIO config; resolves names; says what is missing."""

from __future__ import annotations

import difflib
from pathlib import Path

import PyOpenColorIO as OCIO  # noqa: N814 - the library's own name in capitals

from faceplate.core.errors import ColorSpaceError

INSIDE = "ocio://"
"""What names of configs begin with that OpenColorIO carries; no file is meant."""

BUILT_IN = "ocio://studio-config-v4.0.0_aces-v2.0_ocio-v2.5"
"""Pinned: `ocio://default` means another config in every release of the library."""
LINEAR = "lin_rec709_scene"
INTERCHANGE = "aces_interchange"


class ColorConfig:
    """An OCIO config beside our pinned one, through which everything is bridged.

    Names are looked up in the config first (name, alias, role, interop ID) and then in the pinned
    one, so that an interop ID from a file's header means the same under every config.

    Attributes:
        name: the config's own name, or its file's.
        cache_id: OCIO's hash of the config, for reports and job hashes.
        is_built_in: whether it is the pinned config itself.
        own: the config.
        pinned: our pinned config; the same object when ``is_built_in``.
    """

    def __init__(self, own: OCIO.Config, pinned: OCIO.Config, name: str) -> None:
        self.own = own
        self.pinned = pinned
        self.name = name
        self.cache_id = str(own.getCacheID())
        self.is_built_in = own is pinned

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: a config is opened again in each process."""
        raise TypeError("A ColorConfig does not cross processes; open it there.")

    def resolve(self, name: str) -> str:
        """Return the canonical name of a colour space.

        Args:
            name: a name, alias or role of the config, or an interop ID, in any case.

        Raises:
            ColorSpaceError: neither config knows it; the hint lists the nearest names.
        """
        return str(self._find(name)[1].getName())

    def color_space(self, name: str) -> str:
        """Return the canonical name of a space that holds colour, display-referred or not.

        Raises:
            ColorSpaceError: unknown, or a data space.
        """
        space = self._find(name)[1]
        if space.isData():
            raise ColorSpaceError(
                f"Colour space {space.getName()} holds data, not colour.",
                hint="Name the space that the picture was made in with --colorspace.",
                name=name,
            )
        return str(space.getName())

    def plate_space(self, name: str) -> str:
        """Return the canonical name of a space that an EXR plate can be in.

        Raises:
            ColorSpaceError: unknown, a data space, or display-referred.
        """
        self.color_space(name)
        space = self._find(name)[1]
        if space.getReferenceSpaceType() == OCIO.REFERENCE_SPACE_DISPLAY:
            raise ColorSpaceError(
                f"Colour space {space.getName()} is display-referred; a plate must be scene-linear"
                " or log.",
                hint="Name the space that the plate was rendered in with --colorspace.",
                name=name,
            )
        return str(space.getName())

    def file_rule(self, path: str) -> str | None:
        """Return the space that a studio's file rules give a path, or None.

        The rules of the pinned config are never asked: they call every EXR ACES2065-1. Nor does
        the default rule count, which says nothing of this file.
        """
        if self.is_built_in or self.own.filepathOnlyMatchesDefaultRule(path):
            return None
        return str(self.own.getColorSpaceFromFilepath(path)[0])

    def common_spaces(self) -> list[str]:
        """Return the spaces that plates are most often in, by the names of this config."""
        names = []
        for name in ("lin_ap1_scene", LINEAR, "lin_ap0_scene"):
            names.append(self.resolve(name))
        return names

    def nearest(self, name: str, count: int = 3) -> list[str]:
        """Return names of the config that look like ``name``, best first."""
        spaces = _spaces(self.own)
        words = {
            word.lower(): str(space.getName())
            for space in spaces
            for word in (space.getName(), *space.getAliases(), space.getInteropID())
            if word
        }
        close = difflib.get_close_matches(name.lower(), words, n=4 * count, cutoff=0.4)
        close += [word for word in words if name and name.lower() in word]
        return list(dict.fromkeys(words[word] for word in close))[:count]

    def processor(self, source: str, target: str) -> OCIO.Processor:
        """Return the processor between two spaces, across the two configs where needed.

        Raises:
            ColorSpaceError: an unknown space, or a config that cannot be bridged or is broken.
        """
        (first, a), (second, b) = self._find(source), self._find(target)
        try:
            if first is second:
                return first.getProcessor(a.getName(), b.getName())
            return OCIO.Config.GetProcessorFromConfigs(first, a.getName(), second, b.getName())
        except (OCIO.Exception, OCIO.ExceptionMissingFile) as error:
            if first is not second and not self.own.hasRole(INTERCHANGE):
                raise ColorSpaceError(
                    f"OCIO config {self.name} has no role {INTERCHANGE}, so {a.getName()} cannot"
                    f" be converted to {b.getName()}.",
                    hint=f"Add the role {INTERCHANGE} (ACES2065-1) to the config.",
                    config=self.name,
                ) from error
            raise ColorSpaceError(
                f"OCIO config {self.name} cannot convert {a.getName()} to {b.getName()}:"
                f" {_first_line(error)}.",
                hint="Check the config with `ociocheck`.",
                config=self.name,
            ) from error

    def _find(self, name: str) -> tuple[OCIO.Config, OCIO.ColorSpace]:
        for config in (self.own, self.pinned):
            space = config.getColorSpace(name) if name else None
            if space is not None:
                return config, space
            for space in _spaces(config):
                if name and space.getInteropID().lower() == name.lower():
                    return config, space
        close = self.nearest(name)
        raise ColorSpaceError(
            f"Colour space {name!r} is not in OCIO config {self.name}.",
            hint=f"Nearest names: {', '.join(close)}." if close else "See the config's spaces.",
            name=name,
            nearest=close,
        )


def open_config(path: str | None) -> ColorConfig:
    """Open an OCIO config.

    Args:
        path: a file, an ``ocio://`` name, or None for the pinned one. What ``$OCIO`` says is for
            the door to look up.

    Raises:
        ColorSpaceError: the file is missing or no config.
    """
    pinned = OCIO.Config.CreateFromFile(BUILT_IN)
    if path is None or path == BUILT_IN:
        return ColorConfig(pinned, pinned, str(pinned.getName()))
    try:
        own = OCIO.Config.CreateFromFile(path)
        own.validate()
    except (OCIO.Exception, OCIO.ExceptionMissingFile) as error:
        raise ColorSpaceError(
            f"OCIO config {path} cannot be used: {_first_line(error)}.",
            hint="Check $OCIO or --ocio; leave both out for the built-in ACES 2.0 config.",
            path=path,
        ) from error
    return ColorConfig(own, pinned, str(own.getName()) or Path(path).name)


def _spaces(config: OCIO.Config) -> list[OCIO.ColorSpace]:
    return list(config.getColorSpaces(OCIO.SEARCH_REFERENCE_SPACE_ALL, OCIO.COLORSPACE_ALL))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else "no reason given"
