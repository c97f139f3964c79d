# The same from BEiT's weights; the checkpoint is the only difference.
_base_ = './upernet_peco-vitb_8xb2-amp-160k_ade20k-640x640.py'

pretrained = 'checkpoints/beit_base_patch16_224.pth'
model = dict(backbone=dict(init_cfg=dict(checkpoint=pretrained)))
