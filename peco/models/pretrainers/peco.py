"""Masked image modelling on the tokens of a frozen tokenizer."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from mmengine.logging import print_log
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from peco.models.utils import Frozen
from peco.models.utils.pool_features import attach_features, pool_features
from peco.registry import MODELS
from peco.token_cache import TokenCache
from peco.utils.value_range import from_unit

# 32 images of 224x224: the f16 tokenizer then needs some 3 GiB in fp32.
_CHUNK_PIXELS = 32 * 224 * 224


@MODELS.register_module()
class PeCo(BaseSelfSupervisor):
    """PeCo's pretraining stage: predict the tokenizer's ids of masked patches.

    One crop gives two views: the backbone sees the first, masked; the tokenizer turns the second
    into the ids to predict. The tokenizer is frozen for good: it never trains, never changes its
    codebook, and is no part of this model's parameters, checkpoints or averages. Logits are
    computed at masked positions only.

    Args:
        backbone: Config of (or) a backbone with ``forward(x, mask)``, a mask token and
            ``out_type='raw'``.
        head: Config of (or) a head such as :class:`MIMHead`.
        tokenizer: Config of the tokenizer, a tokenizer, or None if every data sample carries
            ``token_ids`` of shape ``(h, w)``.
        tokenizer_checkpoint: Weights of the tokenizer; required with a config.
        token_cache: Folder of a :class:`peco.token_cache.TokenCache` that the data set replays
            (its argument of the same name). A tokenizer config then serves to check that the
            cache is of this tokenizer, and to draw pictures; it does not stay in memory.
        tokenizer_chunk: Images that are tokenized at once. None takes as many as make up the
            pixels of 32 images of 224x224, which keeps the f16 tokenizer below some 3 GiB.
        tokenizer_size: Size of the tokenizer's view, if it is not the backbone's ``img_size``.
        tokenizer_amp: Whether autocast reaches the tokenizer. By default it does not, so that
            targets do not depend on ``--amp``. On a GPU convolutions are in TF32 all the same,
            unless ``torch.backends.cudnn.allow_tf32`` is switched off.
        data_preprocessor: Config of the data preprocessor, by default of type
            ``peco.TwoViewDataPreprocessor``.
        init_cfg: mmengine's init config.

    Raises:
        ValueError: If the head's classes are not the codebook, the tokenizer's grid is not the
            patch grid, the backbone does not fit, or the token cache is of another tokenizer.
        FileNotFoundError: If the tokenizer's checkpoint or the token cache does not exist.

    Example:
        >>> import torch
        >>> from mmpretrain.structures import DataSample
        >>> from peco.models.pretrainers import PeCo
        >>> arch = dict(embed_dims=32, num_layers=2, num_heads=2)
        >>> model = PeCo(
        ...     backbone=dict(type='peco.PeCoViT', arch=arch, img_size=32, patch_size=8,
        ...                   mask_token=True, out_type='raw'),
        ...     head=dict(type='peco.MIMHead', embed_dims=32, num_classes=10))
        >>> sample = DataSample()
        >>> sample.set_field(torch.eye(4), 'mask')
        >>> sample.set_field(torch.ones(4, 4, dtype=torch.long), 'token_ids')
        >>> sorted(model.loss([torch.rand(1, 3, 32, 32)], [sample]))
        ['loss_mim', 'token_acc']
    """

    def __init__(self,
                 backbone: dict | nn.Module,
                 head: dict | nn.Module,
                 tokenizer: dict | nn.Module | None = None,
                 tokenizer_checkpoint: str | None = None,
                 token_cache: str | None = None,
                 tokenizer_chunk: int | None = None,
                 tokenizer_size: int | tuple[int, int] | None = None,
                 tokenizer_amp: bool = False,
                 data_preprocessor: dict | nn.Module | None = None,
                 init_cfg: dict | list | None = None) -> None:
        if not isinstance(data_preprocessor, nn.Module):
            data_preprocessor = MODELS.build(
                {'type': 'peco.TwoViewDataPreprocessor', **(data_preprocessor or {})})
        backbone = backbone if isinstance(backbone, nn.Module) else MODELS.build(backbone)
        head = head if isinstance(head, nn.Module) else MODELS.build(head)
        super().__init__(
            backbone=backbone, head=head, data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if tokenizer_chunk is not None and tokenizer_chunk < 1:
            raise ValueError(f'tokenizer_chunk must be at least 1, got {tokenizer_chunk}')
        self.tokenizer_chunk = tokenizer_chunk
        self.tokenizer_amp = tokenizer_amp
        self.tokenizer_checkpoint = tokenizer_checkpoint
        self._tokenizer = None
        # A network in an attribute would become part of this one.
        self._tokenizer_cfg = None if isinstance(tokenizer, nn.Module) else tokenizer
        if tokenizer is not None:
            self._tokenizer = Frozen(self._build_tokenizer(tokenizer, tokenizer_checkpoint))
        self._check_backbone()
        if self.tokenizer is not None:
            self._check_tokenizer(tokenizer_size)
        self.token_cache = None if token_cache is None else TokenCache(token_cache)
        if self.token_cache is not None:
            self._check_token_cache()
            self._tokenizer = None

    @staticmethod
    def _build_tokenizer(tokenizer: dict | nn.Module, checkpoint: str | None) -> nn.Module:
        if isinstance(tokenizer, nn.Module):
            return tokenizer
        if checkpoint is None:
            raise ValueError('PeCo has a tokenizer config but no tokenizer_checkpoint: name the '
                             'checkpoint that training the tokenizer wrote')
        from peco.models.tokenizers import load_frozen_tokenizer
        return load_frozen_tokenizer(tokenizer, checkpoint)

    def _check_backbone(self) -> None:
        if getattr(self.backbone, 'mask_token', None) is None:
            raise ValueError('PeCo needs a backbone with a mask token: set mask_token=True')
        if getattr(self.backbone, 'out_type', 'raw') != 'raw':
            raise ValueError("PeCo needs the backbone's tokens: set out_type='raw', not "
                             f'{self.backbone.out_type!r}')

    def _check_tokenizer(self, size: int | tuple[int, int] | None) -> None:
        classes, codes = self.head.num_classes, self.tokenizer.codebook_size
        if classes != codes:
            raise ValueError(f'the head predicts {classes} classes, the tokenizer has a codebook '
                             f'of {codes}: set head.num_classes={codes}')
        size = (size, size) if isinstance(size, int) else tuple(size or self.backbone.img_size)
        grid, patches = tuple(self.tokenizer.grid_size(size)), tuple(self.backbone.grid)
        if grid != patches:
            raise ValueError(
                f'the tokenizer makes a {grid[0]}x{grid[1]} grid of tokens from {size[0]}x'
                f'{size[1]} pixels, the backbone has {patches[0]}x{patches[1]} patches at '
                f'{self.backbone.img_size[0]}x{self.backbone.img_size[1]}: choose patch_size, '
                "the tokenizer's stride or tokenizer_size so that both are equal")
        trained = getattr(self.tokenizer, 'trained_size', None)
        if trained not in (None, size):
            print_log(
                f'The tokenizer was trained on images of {trained[0]}x{trained[1]} pixels and is '
                f'given {size[0]}x{size[1]}: there its codes may mean little. Compare its PSNR at '
                'both sizes by tools/test.py, or train it at this one.', logger='current',
                level=logging.WARNING)

    def _check_token_cache(self) -> None:
        meta, grid = self.token_cache.meta, list(self.backbone.grid)
        if meta['codebook_size'] != self.head.num_classes:
            raise ValueError(
                f'the head predicts {self.head.num_classes} classes, the token cache '
                f"'{self.token_cache.folder}' is of a codebook of {meta['codebook_size']}: set "
                f"head.num_classes={meta['codebook_size']}")
        self.token_cache.check(grid=grid)
        if self.tokenizer is not None:
            self.token_cache.check(tokenizer=self.tokenizer_info,
                                   tokenizer_amp=self.tokenizer_amp)

    @contextmanager
    def with_tokenizer(self) -> Iterator[nn.Module | None]:
        """Hold the tokenizer for a while, where a token cache stands in for it.

        Yields:
            The tokenizer; None where no config tells how to build it.
        """
        if self.tokenizer is not None or self._tokenizer_cfg is None:
            yield self.tokenizer
            return
        tokenizer = self._build_tokenizer(self._tokenizer_cfg, self.tokenizer_checkpoint)
        self._tokenizer = Frozen(tokenizer.to(self.backbone.mask_token.device))
        try:
            yield self.tokenizer
        finally:
            self._tokenizer = None

    @property
    def tokenizer(self) -> nn.Module | None:
        """The frozen tokenizer, if there is one."""
        return None if self._tokenizer is None else self._tokenizer.module

    @property
    def tokenizer_info(self) -> dict:
        """``path`` and ``fingerprint`` of the tokenizer, to tell it from any other."""
        if self.tokenizer is None:
            return dict(path=None, fingerprint=None) if self.token_cache is None else dict(
                self.token_cache.meta['tokenizer'])
        return dict(path=self.tokenizer_checkpoint, fingerprint=self.tokenizer.fingerprint())

    @torch.no_grad()
    def tokenize(self, images: Tensor) -> Tensor:
        """Token ids of images, chunk by chunk.

        Args:
            images: RGB images in [0, 1] of shape ``(B, 3, H, W)``; they are brought to the
                tokenizer's ``value_range``.

        Returns:
            Ids, int64 of shape ``(B, h, w)``.
        """
        chunk = self.tokenizer_chunk or max(1, _CHUNK_PIXELS // (images.size(2) * images.size(3)))
        precision = (nullcontext() if self.tokenizer_amp else
                     torch.autocast(images.device.type, enabled=False))
        value_range = getattr(self.tokenizer, 'value_range', (0., 1.))
        with precision:
            return torch.cat([self.tokenizer.tokenize(from_unit(part, value_range))
                              for part in images.split(chunk)])

    @staticmethod
    def _views(inputs: Tensor | Sequence[Tensor]) -> tuple[Tensor, Tensor | None]:
        if isinstance(inputs, Tensor):
            return inputs, None
        return inputs[0], inputs[1] if len(inputs) > 1 else None

    @staticmethod
    def _stack(data_samples: Sequence[DataSample], key: str, device: torch.device) -> Tensor:
        missing = sum(key not in sample for sample in data_samples)
        if missing:
            raise ValueError(f"{missing} of {len(data_samples)} data samples have no '{key}': make "
                             "the pipeline write it and PackInputs keep it (algorithm_keys)")
        return torch.stack([torch.as_tensor(sample.get(key))
                            for sample in data_samples]).to(device)

    def _targets(self, tokenizer_view: Tensor | None,
                 data_samples: Sequence[DataSample] | None, device: torch.device) -> Tensor:
        """Ids of shape ``(B, h, w)``, from the tokenizer or else from the data samples."""
        if self.tokenizer is None:
            return self._stack(data_samples or [], 'token_ids', device).long()
        if tokenizer_view is None:
            raise ValueError('PeCo needs two views, [backbone view, tokenizer view], and got one: '
                             'use peco.TwoViewDataPreprocessor')
        return self.tokenize(tokenizer_view)

    def _patch_tokens(self, view: Tensor, mask: Tensor | None = None) -> Tensor:
        """Patch tokens ``(B, L, C)`` of the backbone's last output."""
        tokens = self.backbone(view, mask)[-1]
        return tokens[:, self.backbone.num_extra_tokens:]

    def _check_grids(self, view: Tensor, mask: Tensor, ids: Tensor) -> None:
        grid = self.backbone.grid_size(tuple(view.shape[-2:]))
        mends = dict(
            mask=f'set grid_size={grid} of peco.BlockwiseMask in the pipeline',
            ids="choose patch_size, the tokenizer's stride or tokenizer_size so that both are "
            'equal')
        for name, what, value in (('mask', 'the mask of an image is', mask),
                                  ('ids', 'the token ids of an image are', ids)):
            rows, columns = value.shape[1:]
            if (rows, columns) != grid:
                raise ValueError(f'{what} a {rows}x{columns} grid, the backbone sees '
                                 f'{grid[0]}x{grid[1]} patches: {mends[name]}')

    def loss(self, inputs: Sequence[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Cross-entropy of the ids at masked positions.

        Args:
            inputs: ``[backbone view, tokenizer view]``: normalised images, and RGB images in
                [0, 1].
            data_samples: One for each image, with ``mask`` ``(h, w)``, 1 = masked.

        Returns:
            ``loss_mim`` and ``token_acc`` (per cent).
        """
        view, tokenizer_view = self._views(inputs)
        mask = self._stack(data_samples, 'mask', view.device).bool()
        ids = self._targets(tokenizer_view, data_samples, view.device)
        self._check_grids(view, mask, ids)
        masked = self._masked_positions(mask, data_samples)
        tokens = self._patch_tokens(view, mask).flatten(0, 1)
        return self.head.loss(tokens[masked], ids.flatten()[masked])

    @staticmethod
    def _masked_positions(mask: Tensor, data_samples: Sequence[DataSample]) -> Tensor:
        """Where the flattened mask is 1; without waiting for a GPU if their number is known."""
        counts = [sample.get('num_masked') for sample in data_samples]
        if None in counts:
            return mask.flatten().nonzero()[:, 0]
        return torch.nonzero_static(mask.flatten(), size=sum(counts))[:, 0]

    def extract_feat(self, inputs: Tensor | Sequence[Tensor]) -> Tensor:
        """Mean of the patch tokens of unmasked images, shape ``(B, C)``."""
        view, _ = self._views(inputs)
        return pool_features(self._patch_tokens(view))

    @torch.no_grad()
    def predict_tokens(self, inputs: Sequence[Tensor], mask: Tensor,
                       data_samples: list[DataSample] | None = None) -> Tensor:
        """Fill in masked images, for pictures.

        Args:
            inputs: ``[backbone view, tokenizer view]``.
            mask: Patches to mask, bool or uint8 of shape ``(B, h, w)``.
            data_samples: Source of the ids where there is no tokenizer.

        Returns:
            Ids, int64 of shape ``(B, h, w)``: the head's best guess at masked positions, the
            tokenizer's ids elsewhere (where the head was never trained).
        """
        view, tokenizer_view = self._views(inputs)
        mask = mask.to(view.device).bool()
        ids = self._targets(tokenizer_view, data_samples, view.device).clone()
        self._check_grids(view, mask, ids)
        tokens = self._patch_tokens(view, mask)
        ids[mask] = self.head.predict(tokens[mask.flatten(1)]).argmax(dim=-1)
        return ids

    def predict(self,
                inputs: Tensor | Sequence[Tensor],
                data_samples: list[DataSample] | None = None) -> list[DataSample]:
        """Data samples with ``feature``, float32 of shape ``(C,)``, of the unmasked image."""
        return attach_features(self.extract_feat(inputs), data_samples)

    def forward(self,
                inputs: Tensor | Sequence[Tensor],
                data_samples: list[DataSample] | None = None,
                mode: str = 'tensor') -> Tensor | dict | list[DataSample]:
        """Run ``loss``, ``predict`` or, as 'tensor', ``extract_feat``."""
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        return super().forward(inputs, data_samples, mode)
