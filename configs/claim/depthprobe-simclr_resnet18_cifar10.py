# The perceptual network itself: its four stages.
_base_ = ['../_base_/models/resnet18-small.py', 'depthprobe_vit-micro_cifar10.py']

model = dict(backbone=dict(_base_.resnet, _delete_=True, out_indices=(0, 1, 2, 3)))
