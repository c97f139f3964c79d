# Mask R-CNN for many small objects of one class: anchors of 8, 16, 32 and 64 px.
_base_ = ['mmdet::_base_/models/mask-rcnn_r50_fpn.py', './peco_vit-micro-p8_windows.py']

model = dict(
    backbone=dict(_base_.backbone, _delete_=True),
    neck=_base_.neck,
    rpn_head=dict(
        in_channels=64,
        feat_channels=64,
        anchor_generator=dict(scales=[2], strides=[4, 8, 16, 32])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=64, featmap_strides=[4, 8, 16, 32]),
        bbox_head=dict(in_channels=64, fc_out_channels=256, num_classes=1),
        mask_roi_extractor=dict(out_channels=64, featmap_strides=[4, 8, 16, 32]),
        mask_head=dict(num_convs=2, in_channels=64, conv_out_channels=64, num_classes=1)),
    train_cfg=dict(
        rpn_proposal=dict(nms_pre=500, max_per_img=300),
        rcnn=dict(sampler=dict(num=128))),
    test_cfg=dict(
        rpn=dict(nms_pre=1000, max_per_img=500), rcnn=dict(max_per_img=400)))
