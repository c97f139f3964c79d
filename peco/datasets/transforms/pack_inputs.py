"""Pack images, labels, masks and crops for a model."""

from collections.abc import Sequence

from mmpretrain.datasets.transforms import PackInputs as _PackInputs

from peco.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PackInputs(_PackInputs):
    """mmpretrain's packer with the crop and the split role among its default meta keys.

    ``gt_label`` and ``mask`` are packed whenever they are there.

    Args:
        input_key: Key of the image or the list of views.
        algorithm_keys: Further keys to be packed as data fields.
        meta_keys: Keys to be packed as meta information.
    """

    DEFAULT_META_KEYS = _PackInputs.DEFAULT_META_KEYS + ('crop_box', 'split_role')

    def __init__(self,
                 input_key: str = 'img',
                 algorithm_keys: Sequence[str] = (),
                 meta_keys: Sequence[str] = DEFAULT_META_KEYS) -> None:
        super().__init__(input_key, algorithm_keys, meta_keys)
