# The perceptual codebook: 6 epochs of 20,000 images, lambda = 1, four depths of f.
_base_ = '../cifar10/tokenizer_vqgan-f4_b128-coslr-2e_cifar10.py'

# Labels choose as many images of each class; the model does not see them.
train_dataloader = dict(dataset=dict(with_label=True, num_per_class=2000))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=6)]
train_cfg = dict(max_epochs=6)
