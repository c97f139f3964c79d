"""Scaled dot product attention, quick on a CPU also where its bias is trained."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import scaled_dot_product_attention


def fused_attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None,
                    dropout_p: float = 0.) -> Tensor:
    """``softmax(q k^T / sqrt(d) + bias) v``.

    torch's own kernels, but for one case: on a CPU none of them gives a gradient to the bias, so
    that torch goes step by step, in float32 whatever it is given. There a function of our own
    takes half the time: logits and softmax in float32, as in torch's kernels, the other products
    in the given dtype.

    Args:
        q: Queries of shape ``(B, num_heads, N, d)``.
        k: Keys of shape ``(B, num_heads, M, d)``.
        v: Values, likewise.
        bias: Added to the logits, broadcastable to ``(B, num_heads, N, M)``; any floating dtype.
        dropout_p: Dropout of attention weights.

    Returns:
        Shape ``(B, num_heads, N, d)``.

    Example:
        >>> import torch
        >>> q = k = v = torch.rand(2, 3, 5, 8)
        >>> fused_attention(q, k, v, torch.zeros(1, 3, 5, 5, requires_grad=True)).shape
        torch.Size([2, 3, 5, 8])
    """
    is_trained = bias is not None and bias.requires_grad and torch.is_grad_enabled()
    if is_trained and q.device.type == 'cpu' and not dropout_p:
        with torch.autocast('cpu', enabled=False):
            return _TrainedBias.apply(q, k, v, bias)
    bias = None if bias is None else bias.to(q.dtype)
    return scaled_dot_product_attention(q, k, v, bias, dropout_p)


class _TrainedBias(Function):
    """Forward and backward written out, so that few tensors of ``(B, heads, N, M)`` are made.

    Logits and softmax are in float32 at least, the backward pass in the type of ``q``: in bfloat16
    its gradients have a relative error of 0.4 %, where torch's own have 0.2 %.
    """

    @staticmethod
    def forward(ctx, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        shape = *q.shape[:3], k.size(2)
        q, k, v = (x.flatten(0, 1) for x in (q, k, v))
        wide = torch.promote_types(q.dtype, torch.float32)
        logits = torch.bmm(q.to(wide), k.to(wide).transpose(1, 2)).view(shape)
        weights = logits.mul_(q.size(-1)**-0.5).add_(bias).softmax(dim=-1).to(q.dtype)
        ctx.save_for_backward(q, k, v, weights)
        ctx.bias_shape = bias.shape
        return torch.bmm(weights.flatten(0, 1), v).unflatten(0, shape[:2])

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, ...]:
        q, k, v, weights = ctx.saved_tensors
        shape = weights.shape
        weights, grad = weights.flatten(0, 1), grad.flatten(0, 1)
        grad_v = torch.bmm(weights.transpose(1, 2), grad)
        grad_logits = torch._softmax_backward_data(
            torch.bmm(grad, v.transpose(1, 2)), weights, -1, weights.dtype)
        grad_bias = grad_logits.view(shape).sum_to_size(ctx.bias_shape)
        grad_logits = grad_logits * q.size(-1)**-0.5
        grad_q = torch.bmm(grad_logits, k)
        grad_k = torch.bmm(grad_logits.transpose(1, 2), q)
        return *(x.unflatten(0, shape[:2]) for x in (grad_q, grad_k, grad_v)), grad_bias
