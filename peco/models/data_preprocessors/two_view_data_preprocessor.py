"""One batch for the backbone and the tokenizer, each with its own normalisation."""

from collections.abc import Sequence

from mmpretrain.models.utils import SelfSupDataPreprocessor
from mmpretrain.structures import DataSample

from peco.registry import MODELS


@MODELS.register_module()
class TwoViewDataPreprocessor(SelfSupDataPreprocessor):
    """Give the backbone standardised pixels and the tokenizer RGB in [0, 1].

    Takes what mmengine's ``default_collate`` makes of :class:`peco.datasets.transforms.PackInputs`:
    ``inputs`` is a uint8 batch ``(B, 3, H, W)`` that serves both, or a list of two batches
    ``[backbone view, tokenizer view]``.

    Args:
        mean: Mean of the backbone view in 0-255 units, R, G, B.
        std: Standard deviation of the backbone view in 0-255 units, R, G, B.
        to_rgb: Whether the inputs are BGR (as read by mmcv) and are to be turned round.
        non_blocking: Whether the copy to the device may be asynchronous; ``tools/train.py`` pins
            the batches.

    Example:
        >>> preprocessor = TwoViewDataPreprocessor()
        >>> batch = dict(inputs=torch.zeros(2, 3, 8, 8, dtype=torch.uint8))
        >>> backbone_view, tokenizer_view = preprocessor(batch)['inputs']
    """

    def __init__(self,
                 mean: Sequence[float] = (123.675, 116.28, 103.53),
                 std: Sequence[float] = (58.395, 57.12, 57.375),
                 to_rgb: bool = True,
                 non_blocking: bool = True) -> None:
        super().__init__(mean=mean, std=std, to_rgb=to_rgb, non_blocking=non_blocking)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Make the two views.

        Args:
            data: ``inputs`` as above, and optional ``data_samples``.
            training: Ignored; both modes are alike.

        Returns:
            ``inputs=[backbone view, tokenizer view]``, float32, and ``data_samples``, with the
            number of masked patches as ``num_masked`` where there is a mask.

        Raises:
            ValueError: If ``inputs`` is neither one batch nor two.
        """
        _count_masked(data.get('data_samples') or ())
        data = self.cast_data(data)
        inputs = data['inputs']
        views = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if len(views) > 2 or any(view.dim() != 4 for view in views):
            raise ValueError(
                'inputs must be one batch (B, 3, H, W) or a list of two, got '
                f'{[tuple(view.shape) for view in views]}: is the collate_fn default_collate?')
        # Channels are turned round while the values are still bytes.
        views = [(view.flip(1) if self._channel_conversion else view).float() for view in views]
        backbone_view = (views[0] - self.mean) / self.std
        return dict(inputs=[backbone_view, views[-1] / 255], data_samples=data.get('data_samples'))


def _count_masked(data_samples: Sequence[DataSample]) -> None:
    """Note how many patches are masked while the masks lie in the memory of the CPU."""
    for sample in data_samples:
        if 'mask' in sample:
            sample.set_field(int((sample.mask != 0).sum()), 'num_masked', field_type='metainfo')
