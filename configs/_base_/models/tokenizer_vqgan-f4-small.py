# 32 px -> 8x8 tokens, small enough for two CPU cores.
tokenizer = dict(
    type='peco.PerceptualTokenizer',
    encoder=dict(
        type='peco.ConvEncoder',
        base_channels=16,
        channel_mult=(1, 2, 4),
        num_res_blocks=1,
        attn_levels=(-1, ),
        out_channels=64),
    quantizer=dict(type='peco.EMAQuantizer', codebook_size=1024, code_dim=64, decay=0.99),
    decoder=dict(
        type='peco.ConvDecoder',
        base_channels=16,
        channel_mult=(1, 2, 4),
        num_res_blocks=1,
        attn_levels=(-1, ),
        in_channels=64))
# The same encoder and codebook, learned from features (BEiT v2).
vq_kd_tokenizer = dict(
    type='peco.FeatureTokenizer',
    encoder=tokenizer['encoder'],
    quantizer=tokenizer['quantizer'],
    decoder=dict(type='peco.FeatureDecoder', in_channels=64, out_channels=256))
