# The same from BEiT's weights; the checkpoint is the only difference.
_base_ = './cascade-mask-rcnn_peco-vitb_fpn_1x_coco.py'

pretrained = 'checkpoints/beit_base_patch16_224.pth'
model = dict(backbone=dict(init_cfg=dict(checkpoint=pretrained)))
