# The same from BEiT's weights; the checkpoint is the only difference.
_base_ = './mask-rcnn_peco-vitl_fpn_ms-3x_coco.py'

pretrained = 'checkpoints/beit_large_patch16_224.pth'
model = dict(backbone=dict(init_cfg=dict(checkpoint=pretrained)))
