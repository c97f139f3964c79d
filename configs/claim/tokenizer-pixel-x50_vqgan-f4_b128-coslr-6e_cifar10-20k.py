# Pixels alone, with a loss as large as the perceptual codebook's: commitment loss and clipping then
# count as much as they do there.
_base_ = 'tokenizer-pixel_vqgan-f4_b128-coslr-6e_cifar10-20k.py'

model = dict(pixel_loss=dict(weight=50.))
