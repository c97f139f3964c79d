# One depth of f (8x8 places, as many as tokens) in the place of four, with the weight of four.
_base_ = 'tokenizer-peco_vqgan-f4_b128-coslr-6e_cifar10-20k.py'

model = dict(perceptual_loss=dict(layer_weights=[0., 4., 0., 0.]))
