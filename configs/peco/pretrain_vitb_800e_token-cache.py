# The same from tokens that were written once: no tokenizer runs beside the pretraining.
_base_ = 'pretrain_vitb_800e.py'

token_cache = 'work_dirs/pretrain_vitb_800e/token_cache'
made_by = {
    token_cache: 'tools/dist_cache_tokens.sh configs/peco/pretrain_vitb_800e.py 8 --views 16'
}
model = dict(token_cache=token_cache)
train_dataloader = dict(dataset=dict(token_cache=token_cache))
