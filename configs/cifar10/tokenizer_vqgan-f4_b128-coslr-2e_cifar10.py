# The perceptual codebook at 32 px: 8x8 tokens out of 1024 codes.
_base_ = [
    '../_base_/models/tokenizer_vqgan-f4-small.py',
    '../_base_/models/perceptual-loss_simclr-small.py',
    '../_base_/datasets/cifar10_tokenizer.py',
    '../_base_/schedules/tokenizer_adamw_coslr-2e.py',
    '../_base_/default_runtime.py',
]

model = dict(
    _base_.tokenizer,
    pixel_loss=dict(type='peco.PixelLoss', norm='L2', weight=1.0),
    perceptual_loss=_base_.perceptual_loss,
    commitment_weight=0.25)

default_hooks = dict(logger=dict(interval=20))
custom_hooks = [dict(type='peco.CodebookHook'), dict(type='peco.PictureHook', interval=1)]
