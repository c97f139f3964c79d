"""One feature vector an image, from any backbone."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.model import BaseModel
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from peco.models.utils.pool_features import POOLS, attach_features, pool_features
from peco.registry import MODELS


@MODELS.register_module()
class FeatureExtractor(BaseModel):
    """Turn images into vectors for kNN and other metrics on features. It does not train.

    Args:
        backbone: Config of (or) any registered backbone.
        pool: How an output becomes a vector, see :func:`pool_features`: 'auto' takes the mean of
            the patches where there are patches, else the vector itself; 'mean'; 'cls'.
        every_depth: Whether to give a vector of each of the backbone's outputs, too.
        data_preprocessor: Config of the data preprocessor, by default mmpretrain's
            ``ClsDataPreprocessor``.
        init_cfg: mmengine's init config, e.g. ``dict(type='Pretrained', checkpoint=...)``.

    Example:
        >>> import torch
        >>> from peco.models.classifiers import FeatureExtractor
        >>> model = FeatureExtractor(dict(type='mmpretrain.ResNet', depth=18))
        >>> model.eval()(torch.rand(2, 3, 32, 32), mode='predict')[0].feature.shape
        torch.Size([512])
    """

    def __init__(self,
                 backbone: dict | nn.Module,
                 pool: str = 'auto',
                 every_depth: bool = False,
                 data_preprocessor: dict | nn.Module | None = None,
                 init_cfg: dict | list | None = None) -> None:
        if pool not in POOLS:
            raise ValueError(f'pool must be one of {POOLS}, got {pool!r}')
        if not isinstance(data_preprocessor, nn.Module):
            data_preprocessor = MODELS.build(
                {'type': 'mmpretrain.ClsDataPreprocessor', **(data_preprocessor or {})})
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = backbone if isinstance(backbone, nn.Module) else MODELS.build(backbone)
        self.pool = pool
        self.every_depth = every_depth

    def extract_feat(self, inputs: Tensor | Sequence[Tensor]) -> Tensor:
        """Vectors of shape ``(B, C)``; of several views the first is taken."""
        return self._pool(self._outputs(inputs))

    def _outputs(self, inputs: Tensor | Sequence[Tensor]) -> Tensor | list | tuple:
        return self.backbone(inputs if isinstance(inputs, Tensor) else inputs[0])

    def _pool(self, output: Tensor | list | tuple) -> Tensor:
        return pool_features(output, self.pool, self._num_extra_tokens())

    def _num_extra_tokens(self) -> int:
        known = getattr(self.backbone, 'num_extra_tokens', None)
        if known is not None:
            return known
        return int(getattr(self.backbone, 'cls_token', None) is not None)

    def predict(self,
                inputs: Tensor | Sequence[Tensor],
                data_samples: list[DataSample] | None = None) -> list[DataSample]:
        """Data samples with ``feature``, float32 of shape ``(C,)``.

        With ``every_depth`` also ``depth_features``, a list of such vectors, first output first.
        """
        outputs = self._outputs(inputs)
        samples = attach_features(self._pool(outputs), data_samples)
        if self.every_depth:
            depths = [self._pool(output).float() for output in outputs]
            for sample, *vectors in zip(samples, *depths, strict=True):
                sample.set_field(vectors, 'depth_features')
        return samples

    def forward(self,
                inputs: Tensor | Sequence[Tensor],
                data_samples: list[DataSample] | None = None,
                mode: str = 'tensor') -> Tensor | list[DataSample]:
        """Vectors for 'tensor', data samples for 'predict'.

        Raises:
            ValueError: For 'loss': this model does not train.
        """
        if mode == 'tensor':
            return self.extract_feat(inputs)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise ValueError(f"FeatureExtractor does not train: mode must be 'tensor' or 'predict', "
                         f'got {mode!r}')
