"""Head of masked image modelling."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from timm.layers import trunc_normal_
from torch import Tensor, nn

from peco.registry import MODELS


@MODELS.register_module()
class MIMHead(BaseModule):
    """Predict the token id of a masked patch: one linear layer and cross-entropy.

    The backbone's final norm comes before it (BEiT, section 2.3).

    Args:
        embed_dims: Channels of a patch token.
        num_classes: Size of the tokenizer's codebook.
        init_std: Standard deviation of the normal init, which is cut at one deviation.
        init_cfg: mmengine's init config.

    Example:
        >>> import torch
        >>> from peco.models.heads import MIMHead
        >>> losses = MIMHead(8, num_classes=16).loss(torch.rand(5, 8), torch.arange(5))
        >>> sorted(losses)
        ['loss_mim', 'token_acc']
    """

    def __init__(self,
                 embed_dims: int,
                 num_classes: int = 8192,
                 init_std: float = 0.02,
                 init_cfg: dict | list | None = None) -> None:
        super().__init__(init_cfg)
        self.embed_dims = embed_dims
        self.num_classes = num_classes
        self.fc = nn.Linear(embed_dims, num_classes)
        trunc_normal_(self.fc.weight, std=init_std, a=-init_std, b=init_std)
        nn.init.zeros_(self.fc.bias)
        self.register_load_state_dict_pre_hook(_refuse_another_codebook)

    def forward(self, feats: Tensor) -> Tensor:
        """Logits of shape ``(..., num_classes)`` of tokens of shape ``(..., C)``."""
        return self.fc(feats)

    def predict(self, feats: Tensor) -> Tensor:
        """Logits, float32 of shape ``(..., num_classes)``."""
        return self(feats).float()

    def loss(self, feats: Tensor, ids: Tensor) -> dict[str, Tensor]:
        """Cross-entropy at masked positions.

        Args:
            feats: Masked patch tokens of shape ``(N, C)``.
            ids: Their token ids, int64 of shape ``(N,)``.

        Returns:
            ``loss_mim`` and ``token_acc`` (top-1 in per cent, without gradient), scalars.
        """
        logits = self.predict(feats)
        if len(ids) == 0:
            # Nothing is masked on this rank: keep the graph so that all ranks reduce gradients.
            return dict(loss_mim=logits.sum(), token_acc=logits.new_zeros(()))
        # The logits are fp32 by now; autocast would not touch the loss, a bf16 model would.
        loss = F.cross_entropy(logits, ids)
        with torch.no_grad():
            accuracy = (logits.argmax(dim=-1) == ids).float().mean() * 100
        return dict(loss_mim=loss, token_acc=accuracy)


def _refuse_another_codebook(head: MIMHead, state_dict: dict, prefix: str, *unused) -> None:
    # mmengine only warns of shapes, and training would go on with a random head.
    weight = state_dict.get(f'{prefix}fc.weight')
    if weight is not None and weight.shape != head.fc.weight.shape:
        raise ValueError(
            f'{prefix}fc.weight is {tuple(weight.shape)} in the checkpoint and '
            f'{tuple(head.fc.weight.shape)} in the model (codes, channels): the checkpoint was '
            'pretrained on another tokenizer or with another backbone; to take only its backbone, '
            "use init_cfg=dict(type='Pretrained', checkpoint=..., prefix='backbone.') there")
