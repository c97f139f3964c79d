# BEiT v2's way: the same encoder and codebook learn to give back the deepest features of f.
_base_ = 'tokenizer-peco_vqgan-f4_b128-coslr-6e_cifar10-20k.py'

model = dict(_base_.vq_kd_tokenizer, _delete_=True, network=_base_.perceptual_loss.network)
val_evaluator = [dict(type='peco.CodebookMetric', codebook_size=1024)]
test_evaluator = val_evaluator
custom_hooks = [dict(type='peco.CodebookHook')]
