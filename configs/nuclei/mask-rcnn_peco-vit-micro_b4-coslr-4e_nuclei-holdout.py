# For tuning: 435 of the training images train, the other 100 are the test.
_base_ = 'mask-rcnn_peco-vit-micro_b4-coslr-4e_nuclei.py'

train_dataloader = dict(dataset=dict(indices=435))
val_dataloader = dict(
    dataset=dict(
        ann_file='annotations/instances_train.json',
        data_prefix=dict(img='train/'),
        indices=-100))
test_dataloader = val_dataloader
# The annotations of these images alone, as they are read.
val_evaluator = dict(ann_file=None)
test_evaluator = val_evaluator
