# What the tokens keep: two probes, and a fixed classifier on reconstructions.
_base_ = ['../_base_/models/resnet18-small.py', '../cifar10/tokenprobe_vqgan-f4_cifar10.py']

classifier = 'work_dirs/claim/classifier_resnet18_b128-coslr-5e_cifar10/epoch_5.pth'
made_by = {
    classifier: 'python tools/train.py configs/claim/classifier_resnet18_b128-coslr-5e_cifar10.py'
    ' --work-dir work_dirs/claim/classifier_resnet18_b128-coslr-5e_cifar10'
}
test_evaluator = [
    dict(
        type='peco.ReconstructionAccuracy',
        classifier=dict(
            type='ImageClassifier',
            backbone=_base_.resnet,
            neck=dict(type='GlobalAveragePooling'),
            head=dict(type='LinearClsHead', num_classes=10, in_channels=256)),
        checkpoint=classifier,
        mean=[125.307, 122.961, 113.8575],
        std=[51.5865, 50.847, 51.255],
        split_role='query'),
    dict(type='peco.TokenEmbeddingProbe', codebook_size=1024),
    *_base_.test_evaluator,
]
