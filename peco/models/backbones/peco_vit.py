"""The vision transformer of every stage."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from timm.layers import (
    LayerNorm,
    PatchEmbed,
    calculate_drop_path_rates,
    resample_abs_pos_embed,
    to_2tuple,
)
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from peco.registry import MODELS

from .attention_span import AttentionSpan
from .beit_block import BEiTBlock
from .beit_init import init_beit_blocks
from .checkpoint_adapter import adapt_state_dict
from .shared_bias import SharedRelPosBias
from .vit_arch import parse_arch, parse_block_indices
from .whole_image import WholeImage
from .windows import Windows

OUT_TYPES = ('cls_token', 'avg_featmap', 'featmap', 'raw')


@MODELS.register_module()
class PeCoViT(BaseModule):
    """Vision transformer of BEiT and PeCo: pretraining, classification and dense tasks.

    Built from timm's BEiT blocks, with timm's state-dict keys and, on the same weights, timm's
    outputs. Only what the task at hand uses is built: the mask token with ``mask_token=True``,
    the class token with ``with_cls_token=True``, blocks up to the last of ``out_indices``, and
    the final norm (``norm``; for ``avg_featmap`` ``fc_norm``, after the mean) only if the last
    block of the architecture is an output. The final norm touches that output alone;
    earlier blocks are returned as they are.

    For large images, ``window_size`` keeps the attention of all but ``global_blocks`` inside
    windows (see :class:`Windows`, also for the class token), where the bias table of pretraining
    is used as it is. Global blocks resize it to the image, or have none. Their memory does not
    grow with the square of the tokens (see :class:`WholeImage`).

    Loading takes checkpoints of this class, of timm's BEiT and of the official BEiT code, with
    any prefix: a shared bias table is copied to each layer, tables and position embeddings
    are resized, what the task does not have is left out, and a checkpoint of another
    architecture raises ValueError (see :func:`adapt_state_dict`).

    Args:
        arch: 'tiny', 'small', 'base', 'large', 'huge' or a dict with ``embed_dims``,
            ``num_layers``, ``num_heads`` and, optionally, ``feedforward_channels`` or
            ``mlp_ratio`` (default 4).
        img_size: Image size, an int or ``(height, width)``, that position tables are made for.
            ``forward`` takes any size that the patch size divides, and, with
            ``out_type='featmap'``, any at all: it pads with zeros at the right and the bottom.
        patch_size: Side of a patch (the paper's ViT-H uses 14).
        in_channels: Channels of an image.
        out_indices: Block or blocks to return, negative from the end.
        drop_rate: Dropout of embedded patches, attention outputs and the MLP.
        attn_drop_rate: Dropout of attention weights.
        drop_path_rate: Stochastic depth of the last block, rising linearly from zero.
        rel_pos_bias: 'shared' (pretraining), 'per_layer' (fine-tuning) or None.
        abs_pos_embed: Whether to add learned absolute positions.
        layer_scale_init: First value of layer scale (0.1; 1e-5 for ViT-L); None for none.
        with_cls_token: Whether a class token precedes the patches.
        mask_token: Whether to have a mask token, for ``forward(x, mask)``.
        out_type: 'cls_token' ``(B, C)``, 'avg_featmap' (mean of the patches, ``(B, C)``),
            'featmap' ``(B, C, h, w)`` or 'raw' ``(B, [1 +] L, C)``.
        window_size: Side in patches of the windows that blocks attend in; None for no windows.
        global_blocks: Blocks that attend to the whole image all the same.
        global_bias: 'resized', or 'none' for global blocks without relative position bias (with
            ``window_size`` only).
        max_logits: Pairs of a query and a key that a global block with bias may have at once, for
            each head and image; above it works in chunks.
        final_norm: Whether to normalise the output of the architecture's last block.
        frozen_stages: Number of frozen blocks; 0 freezes the stem (patch embedding, tokens,
            positions, shared bias) alone, ``num_layers`` everything, -1 nothing.
        with_cp: Whether to recompute blocks in the backward pass to save memory.
        beit_init: Cut the normal init at one standard deviation (0.02, effective 0.0108), patch
            embedding included, as BEiT does; False leaves it uncut, as timm does.
        init_cfg: mmengine's init config, e.g. ``dict(type='Pretrained', checkpoint=...)``.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> import torch
        >>> from peco.models.backbones import PeCoViT
        >>> vit = PeCoViT(
        ...     'tiny', img_size=32, patch_size=4, out_type='featmap', out_indices=(5, -1))
        >>> [tuple(out.shape) for out in vit(torch.rand(2, 3, 32, 48))]
        [(2, 192, 8, 12), (2, 192, 8, 12)]
    """

    def __init__(self,
                 arch: str | dict = 'base',
                 img_size: int | tuple[int, int] = 224,
                 patch_size: int = 16,
                 in_channels: int = 3,
                 out_indices: int | Sequence[int] = -1,
                 drop_rate: float = 0.,
                 attn_drop_rate: float = 0.,
                 drop_path_rate: float = 0.,
                 rel_pos_bias: str | None = 'shared',
                 abs_pos_embed: bool = False,
                 layer_scale_init: float | None = 0.1,
                 with_cls_token: bool = True,
                 mask_token: bool = False,
                 out_type: str = 'cls_token',
                 window_size: int | None = None,
                 global_blocks: Sequence[int] = (),
                 global_bias: str = 'resized',
                 max_logits: int = 2**21,
                 final_norm: bool = True,
                 frozen_stages: int = -1,
                 with_cp: bool = False,
                 beit_init: bool = True,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        arch = parse_arch(arch)
        self.embed_dims: int = arch['embed_dims']
        self.num_layers: int = arch['num_layers']
        self.num_heads: int = arch['num_heads']
        if rel_pos_bias not in ('shared', 'per_layer', None):
            raise ValueError(
                f"rel_pos_bias must be 'shared', 'per_layer' or None, got {rel_pos_bias!r}")
        if out_type not in OUT_TYPES:
            raise ValueError(f'out_type must be one of {OUT_TYPES}, got {out_type!r}')
        if out_type == 'cls_token' and not with_cls_token:
            raise ValueError("out_type='cls_token' needs with_cls_token=True")
        if not -1 <= frozen_stages <= self.num_layers:
            raise ValueError(
                f'frozen_stages must be between -1 and {self.num_layers}, got {frozen_stages}')
        self.img_size: tuple[int, int] = to_2tuple(img_size)
        self.patch_size = patch_size
        self.out_indices = parse_block_indices(out_indices, self.num_layers, 'out_indices')
        if not self.out_indices:
            raise ValueError(f'out_indices={out_indices} must name a block')
        self.out_type = out_type
        self.frozen_stages = frozen_stages
        self.with_cp = with_cp
        self.with_cls_token = with_cls_token
        self.num_extra_tokens = int(with_cls_token)
        self.window_size = window_size
        self.global_blocks = self._parse_spans(global_blocks, global_bias, rel_pos_bias)
        self.global_bias = global_bias
        self.max_logits = max_logits
        #: Patch grid ``(h, w)`` at ``img_size``, the one that position tables are made for.
        self.grid: tuple[int, int] = self.grid_size(self.img_size)

        dim = self.embed_dims
        self.patch_embed = PatchEmbed(
            self.img_size, patch_size, in_channels, dim, strict_img_size=False)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim)) if with_cls_token else None
        self.mask_token = nn.Parameter(torch.zeros(1, 1, dim)) if mask_token else None
        num_tokens = self.grid[0] * self.grid[1] + self.num_extra_tokens
        self.pos_embed = nn.Parameter(torch.zeros(1, num_tokens, dim)) if abs_pos_embed else None
        self.pos_drop = nn.Dropout(drop_rate)
        self.rel_pos_bias = SharedRelPosBias(
            self.grid, self.num_heads, with_cls_token) if rel_pos_bias == 'shared' else None
        drop_paths = calculate_drop_path_rates(drop_path_rate, self.num_layers)
        self.blocks = nn.ModuleList(
            BEiTBlock(
                dim,
                self.num_heads,
                mlp_ratio=arch['mlp_ratio'],
                drop=drop_rate,
                attn_drop=attn_drop_rate,
                drop_path=drop_paths[i],
                layer_scale_init=layer_scale_init,
                bias_grid=self.grid
                if rel_pos_bias == 'per_layer' and self._has_bias(i) else None,
                with_cls_token=with_cls_token) for i in range(max(self.out_indices) + 1))
        has_norm = final_norm and len(self.blocks) == self.num_layers
        self.norm = LayerNorm(dim) if has_norm and out_type != 'avg_featmap' else None
        self.fc_norm = LayerNorm(dim) if has_norm and out_type == 'avg_featmap' else None

        init_beit_blocks(
            self.blocks, [self.patch_embed.proj] if beit_init else [],
            [self.cls_token, self.mask_token, self.pos_embed], bound=0.02 if beit_init else 2.)
        self._freeze()
        self.register_load_state_dict_pre_hook(adapt_state_dict)

    def _parse_spans(self, global_blocks: Sequence[int], global_bias: str,
                     rel_pos_bias: str | None) -> tuple[int, ...]:
        """Check the arguments of windows and return the blocks that are global."""
        if global_bias not in ('resized', 'none'):
            raise ValueError(f"global_bias must be 'resized' or 'none', got {global_bias!r}")
        if self.window_size is None:
            if global_blocks or global_bias == 'none':
                raise ValueError("global_blocks and global_bias='none' need a window_size; without "
                                 'windows every block is global')
            return tuple(range(self.num_layers))
        if self.window_size < 1:
            raise ValueError(f'window_size must be at least 1, got {self.window_size}')
        blocks = parse_block_indices(global_blocks, self.num_layers, 'global_blocks')
        if rel_pos_bias is not None and global_bias == 'none' and len(blocks) == self.num_layers:
            raise ValueError("every block is global, and global_bias='none' leaves none of them a "
                             'bias: set rel_pos_bias=None')
        return blocks

    def _has_bias(self, block: int) -> bool:
        return block not in self.global_blocks or self.global_bias == 'resized'

    def _frozen_parts(self) -> list[nn.Module | nn.Parameter]:
        if self.frozen_stages < 0:
            return []
        parts = [self.patch_embed, self.pos_drop, self.rel_pos_bias, self.cls_token,
                 self.mask_token, self.pos_embed, *self.blocks[:self.frozen_stages]]
        if self.frozen_stages >= len(self.blocks):
            parts += [self.norm, self.fc_norm]
        return [part for part in parts if part is not None]

    def _freeze(self) -> None:
        for part in self._frozen_parts():
            part.requires_grad_(False)
            if isinstance(part, nn.Module):
                part.eval()

    def train(self, mode: bool = True) -> PeCoViT:
        """Set the mode; frozen parts stay in eval mode and without gradient."""
        super().train(mode)
        self._freeze()
        return self

    def grid_size(self, img_size: tuple[int, int]) -> tuple[int, int]:
        """Rows and columns of patches of an image.

        Raises:
            ValueError: If the patch size does not divide the image.
        """
        height, width = img_size
        if height % self.patch_size or width % self.patch_size or not height or not width:
            raise ValueError(f'an image of {height}x{width} is not a whole number of patches of '
                             f'{self.patch_size}x{self.patch_size}; resize or pad it')
        return height // self.patch_size, width // self.patch_size

    def _mask_patches(self, x: Tensor, mask: Tensor) -> Tensor:
        if self.mask_token is None:
            raise ValueError('forward got a mask, but the backbone was built with mask_token=False')
        mask = mask.flatten(1).to(x.device)
        if mask.shape != x.shape[:2]:
            raise ValueError(f'the mask covers {tuple(mask.shape)} (images, patches), the images '
                             f'have {tuple(x.shape[:2])}')
        return torch.where(mask.bool().unsqueeze(-1), self.mask_token, x)

    def _embed(self, x: Tensor, grid: tuple[int, int], mask: Tensor | None) -> Tensor:
        # Autocast makes the patches bf16; the sum that runs through the blocks stays fp32.
        x = self.patch_embed(x).to(self.patch_embed.proj.weight.dtype)
        if mask is not None:
            x = self._mask_patches(x, mask)
        if self.cls_token is not None:
            x = torch.cat([self.cls_token.expand(x.size(0), -1, -1), x], dim=1)
        if self.pos_embed is not None:
            x = x + resample_abs_pos_embed(
                self.pos_embed, grid, self.grid, num_prefix_tokens=self.num_extra_tokens)
        return self.pos_drop(x)

    def _span(self, block: int, grid: tuple[int, int]) -> AttentionSpan:
        """What block number ``block`` attends to."""
        if block in self.global_blocks:
            return WholeImage(grid, self.with_cls_token, self.max_logits)
        return Windows(grid, self.window_size, self.with_cls_token)

    def _run_block(self, block: BEiTBlock, x: Tensor, bias: Tensor | None,
                   span: AttentionSpan) -> Tensor:
        table = block.attn.relative_position_bias_table
        if table is not None:
            bias = span.bias(table, self.grid)
        return block(x, bias, span)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """Features of the blocks in ``out_indices``.

        Args:
            x: Normalised images of shape ``(B, C, H, W)``.
            mask: Patches to replace by the mask token, bool or uint8 of shape ``(B, h, w)`` or
                ``(B, L)``, 1 = masked.

        Returns:
            One tensor for each output block, shaped by ``out_type``.

        Raises:
            ValueError: If the image is not a whole number of patches or the mask does not fit.
        """
        missing = [-size % self.patch_size for size in x.shape[-2:]]
        if self.out_type == 'featmap' and any(missing):
            x = F.pad(x, (0, missing[1], 0, missing[0]))
        grid = self.grid_size(x.shape[-2:])
        x = self._embed(x, grid, mask)
        shared = {}  # the bias of each kind of attention, made once
        outs = []
        for i, block in enumerate(self.blocks):
            span, bias = self._span(i, grid), None
            if self.rel_pos_bias is not None and self._has_bias(i):
                if type(span) not in shared:
                    shared[type(span)] = self.rel_pos_bias(span)
                bias = shared[type(span)]
            if self.with_cp and self.training and torch.is_grad_enabled():
                x = checkpoint(self._run_block, block, x, bias, span, use_reentrant=False)
            else:
                x = self._run_block(block, x, bias, span)
            if i in self.out_indices:
                outs.append(self._format(x, grid, is_last=i == self.num_layers - 1))
        return tuple(outs)

    def _format(self, x: Tensor, grid: tuple[int, int], is_last: bool) -> Tensor:
        if is_last and self.norm is not None:
            x = self.norm(x)
        if self.out_type == 'raw':
            return x
        if self.out_type == 'cls_token':
            return x[:, 0]
        patches = x[:, self.num_extra_tokens:]
        if self.out_type == 'featmap':
            return patches.transpose(1, 2).unflatten(2, grid).contiguous()
        mean = patches.mean(dim=1)
        return self.fc_norm(mean) if is_last and self.fc_norm is not None else mean

    def get_layer_depth(self, param_name: str, prefix: str = '') -> tuple[int, int]:
        """Depth of a parameter, for layer-wise learning rate decay.

        BEiT's code gives the shared bias the rate of the head; here it belongs to the stem, as
        positions do. Fine-tuning has one bias a block, in both, unless a config says otherwise.

        Args:
            param_name: Name of the parameter.
            prefix: Prefix of the backbone's parameters within ``param_name``.

        Returns:
            The depth (0 for the stem with its tokens, positions and shared bias, ``i + 1`` for
            block i, the last for norms and heads) and the number of depths,
            ``num_layers + 2``.
        """
        num_depths = self.num_layers + 2
        name = param_name[len(prefix):] if param_name.startswith(prefix) else ''
        stem, _, rest = name.partition('.')
        if stem in ('patch_embed', 'cls_token', 'mask_token', 'pos_embed', 'rel_pos_bias'):
            return 0, num_depths
        if stem == 'blocks':
            return int(rest.partition('.')[0]) + 1, num_depths
        return num_depths - 1, num_depths
