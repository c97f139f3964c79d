# BEiT v2's way with the same f: encoder and codebook learn to give back its deepest features.
_base_ = 'tokenizer_vqgan-f16_8xb32-amp-coslr-100e_in1k.py'

vq_kd_tokenizer = dict(
    type='peco.FeatureTokenizer',
    encoder=_base_.tokenizer.encoder,
    quantizer=_base_.tokenizer.quantizer,
    decoder=dict(type='peco.FeatureDecoder', in_channels=256, out_channels=768))
model = dict(vq_kd_tokenizer, _delete_=True, network=_base_.perceptual_loss.network)
val_evaluator = [dict(type='peco.CodebookMetric', codebook_size=8192)]
test_evaluator = val_evaluator
