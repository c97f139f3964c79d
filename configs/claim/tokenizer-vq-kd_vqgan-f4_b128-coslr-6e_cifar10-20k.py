# BEiT v2's way: the same encoder and codebook learn to give back the deepest features of f.
_base_ = 'tokenizer-peco_vqgan-f4_b128-coslr-6e_cifar10-20k.py'

model = dict(
    _delete_=True,
    type='peco.FeatureTokenizer',
    encoder=_base_.tokenizer.encoder,
    quantizer=_base_.tokenizer.quantizer,
    decoder=dict(type='peco.FeatureDecoder', in_channels=64, out_channels=256),
    network=_base_.perceptual_loss.network)
val_evaluator = [dict(type='peco.CodebookMetric', codebook_size=1024)]
test_evaluator = val_evaluator
custom_hooks = [dict(type='peco.CodebookHook')]
