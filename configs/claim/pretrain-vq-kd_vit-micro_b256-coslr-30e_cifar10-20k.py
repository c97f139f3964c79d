# The same on the tokens of VQ-KD, which cannot be drawn.
_base_ = 'pretrain_vit-micro_b256-coslr-30e_cifar10-20k.py'

model = dict(
    tokenizer=dict(
        _delete_=True,
        type='peco.FeatureTokenizer',
        encoder=_base_.tokenizer.encoder,
        quantizer=_base_.tokenizer.quantizer,
        decoder=dict(type='peco.FeatureDecoder', in_channels=64, out_channels=256)))
custom_hooks = [
    hook for hook in _base_.custom_hooks if hook.type != 'peco.PictureHook'
]
