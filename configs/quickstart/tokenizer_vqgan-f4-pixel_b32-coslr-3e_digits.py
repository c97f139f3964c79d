# The same tokenizer with the perceptual loss off (lambda = 0): distance measured, not trained on.
_base_ = 'tokenizer_vqgan-f4_b32-coslr-3e_digits.py'

model = dict(perceptual_loss=dict(weight=0.))
