# Pixels alone, with a loss about as large as the perceptual codebook's (half of it at the end): the
# commitment loss weighs fifty times less, and gradients are clipped as they are there.
_base_ = 'tokenizer-pixel_vqgan-f4_b128-coslr-6e_cifar10-20k.py'

model = dict(pixel_loss=dict(weight=50.))
