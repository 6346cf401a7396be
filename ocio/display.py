"""Scene light as a person sees it: the config's default display and view."""

from __future__ import annotations

import numpy as np
import PyOpenColorIO as OCIO  # noqa: N814 - the library's own name in capitals

from faceplate.core.arrays import FloatArray
from faceplate.core.errors import ColorSpaceError
from faceplate.ocio.config import LINEAR, ColorConfig
from faceplate.ocio.convert import Converter


class DisplayView:
    """A colour space through a display view, for pictures that people look at.

    Attributes:
        display: name of the display.
        view: name of the view.
    """

    def __init__(self, config: ColorConfig, space: str) -> None:
        """Prepare the view; a space that only the pinned config knows is shown by that one.

        Raises:
            ColorSpaceError: an unknown space, or a config without a usable view.
        """
        name = config.resolve(space)
        owner = config.own if config.own.getColorSpace(name) is not None else config.pinned
        self._linear = Converter(config, space, LINEAR) if owner is config.pinned else None
        self.display = str(owner.getDefaultDisplay())
        self.view = str(owner.getDefaultView(self.display))
        source = name if self._linear is None else LINEAR
        try:
            processor = owner.getProcessor(
                source, self.display, self.view, OCIO.TRANSFORM_DIR_FORWARD
            )
        except OCIO.Exception as error:
            raise ColorSpaceError(
                f"OCIO config {config.name} cannot show {name} on {self.display}, {self.view}.",
                hint="Check the displays and views of the config with `ociocheck`.",
                config=config.name,
            ) from error
        self._cpu = processor.getDefaultCPUProcessor()

    def __call__(self, scene: FloatArray) -> FloatArray:
        """Return a picture (H, W, 3) display-encoded, 0 to 1; wild pixels are black."""
        # The view's tone curve takes what a display cannot show; half's range is enough for it.
        clean = np.nan_to_num(scene, nan=0.0, posinf=65504.0, neginf=0.0).astype(np.float32)
        if self._linear is not None:
            clean = self._linear(clean)
        codes = np.ascontiguousarray(clean)
        if codes.size:
            self._cpu.apply(OCIO.PackedImageDesc(codes, codes.shape[1], codes.shape[0], 3))
        return np.clip(np.nan_to_num(codes), 0.0, 1.0).astype(np.float32)
