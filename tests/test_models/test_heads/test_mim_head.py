"""MIMHead."""

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import truncnorm

from peco.models.heads import MIMHead
from peco.registry import MODELS


def test_loss_and_accuracy():
    torch.manual_seed(0)
    head = MODELS.build(dict(type='peco.MIMHead', embed_dims=8, num_classes=5, init_std=1.))
    feats, ids = torch.randn(40, 8), torch.randint(5, (40, ))
    losses = head.loss(feats, ids)
    logits = feats @ head.fc.weight.T + head.fc.bias
    torch.testing.assert_close(losses['loss_mim'], F.cross_entropy(logits, ids))
    wanted = (logits.argmax(1) == ids).float().mean() * 100
    torch.testing.assert_close(losses['token_acc'], wanted)
    assert 0 < wanted < 100 and not losses['token_acc'].requires_grad
    assert torch.equal(head.predict(feats), head(feats))


def test_an_untrained_head_is_near_the_uniform_loss():
    losses = MIMHead(16, 1000).loss(torch.randn(50, 16), torch.randint(1000, (50, )))
    assert losses['loss_mim'].item() == pytest.approx(torch.tensor(1000.).log().item(), abs=0.05)


def test_init_is_cut_at_one_deviation():
    weight = MIMHead(64, 512).fc.weight
    assert weight.abs().max() <= 0.02
    assert weight.std().item() == pytest.approx(0.02 * truncnorm(-1, 1).std(), rel=0.03)


@pytest.mark.parametrize('model_dtype', [torch.float32, torch.bfloat16])
def test_loss_is_fp32_in_low_precision(model_dtype):
    """With 8192 classes a bf16 loss would be off by more than this."""
    torch.manual_seed(0)
    head = MIMHead(16, 8192, init_std=0.5).to(model_dtype)
    feats, ids = torch.randn(64, 16, dtype=model_dtype), torch.randint(8192, (64, ))
    with torch.autocast('cpu', torch.bfloat16):
        loss = head.loss(feats, ids)['loss_mim']
        logits = head(feats)
    assert logits.dtype == torch.bfloat16 and loss.dtype == torch.float32
    torch.testing.assert_close(loss, F.cross_entropy(logits.double(), ids).float())


def test_nothing_masked_keeps_the_graph():
    head = MIMHead(4, 6)
    losses = head.loss(torch.randn(0, 4), torch.zeros(0, dtype=torch.long))
    losses['loss_mim'].backward()
    assert losses['loss_mim'] == 0 and losses['token_acc'] == 0
    assert not head.fc.weight.grad.any()


def test_a_checkpoint_of_another_codebook_is_refused():
    head = MIMHead(4, 6)
    head.load_state_dict(MIMHead(4, 6).state_dict())
    with pytest.raises(ValueError, match=r'fc.weight is \(7, 4\) .* \(6, 4\)'):
        head.load_state_dict(MIMHead(4, 7).state_dict(), strict=False)
