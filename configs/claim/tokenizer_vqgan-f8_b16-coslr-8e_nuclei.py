# The tokenizer of nuclei with the settings of CamVid's, which suit so few steps better.
_base_ = '../nuclei/tokenizer_vqgan-f8_b16-coslr-8e_nuclei.py'

model = dict(pixel_loss=dict(weight=10.0), quantizer=dict(decay=0.9, restart_interval=10))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
