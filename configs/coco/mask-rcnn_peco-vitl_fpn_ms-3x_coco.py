# Three times as long.
_base_ = './mask-rcnn_peco-vitl_fpn_1x_coco.py'

param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=36, milestones=[27, 33]),
]
train_cfg = dict(max_epochs=36)
