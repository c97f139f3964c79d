# What the tokens of VQ-KD keep; there is no image to compare.
_base_ = '../cifar10/tokenprobe_vqgan-f4_cifar10.py'

model = dict(
    _delete_=True,
    type='peco.FeatureTokenizer',
    encoder=_base_.tokenizer.encoder,
    quantizer=_base_.tokenizer.quantizer,
    decoder=dict(type='peco.FeatureDecoder', in_channels=64, out_channels=256),
    network=_base_.perceptual_loss.network,
    data_preprocessor=_base_.model.data_preprocessor)
test_evaluator = [
    dict(type='peco.TokenProbe', codebook_size=1024),
    dict(type='peco.CodebookMetric', codebook_size=1024, split_role='query'),
]
