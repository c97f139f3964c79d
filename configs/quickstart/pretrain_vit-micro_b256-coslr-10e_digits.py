_base_ = '../cifar10/pretrain_vit-micro_b256-coslr-10e_cifar10.py'

tokenizer_checkpoint = 'work_dirs/quickstart/tokenizer/epoch_6.pth'
made_by = {'_delete_': True, tokenizer_checkpoint: 'bash tools/quickstart.sh'}
model = dict(
    head=dict(num_classes=256),
    tokenizer=dict(quantizer=dict(codebook_size=256)),
    tokenizer_checkpoint=tokenizer_checkpoint)
train_dataloader = dict(dataset=dict(data_root='data/quickstart/train'))
default_hooks = dict(logger=dict(interval=5))
