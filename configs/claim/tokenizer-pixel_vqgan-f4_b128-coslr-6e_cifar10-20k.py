# The pixel codebook: lambda = 0, nothing else differs.
_base_ = 'tokenizer-peco_vqgan-f4_b128-coslr-6e_cifar10-20k.py'

model = dict(perceptual_loss=dict(weight=0.))
