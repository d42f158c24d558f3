"""Tiny models with random weights, in a folder laid out like the cache of the Hugging Face hub.

PEFT's tests name models on the hub. With these in the cache, the libraries find them without a network: same names,
same
architectures, a few thousand random weights. `make(folder)` writes the folder once.
"""

import hashlib
from pathlib import Path

SMALL = dict(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=40,
    vocab_size=128,
    max_position_embeddings=128,
)
DECODER = dict(SMALL, num_key_value_heads=2, bos_token_id=0, eos_token_id=2, pad_token_id=None)
OPT = dict(
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    ffn_dim=40,
    vocab_size=128,
    max_position_embeddings=128,
    word_embed_proj_dim=32,
)
GPT2 = dict(n_embd=32, n_layer=2, n_head=4, vocab_size=128, n_positions=128, bos_token_id=0, eos_token_id=2)
T5 = dict(d_model=32, d_kv=8, d_ff=40, num_layers=2, num_heads=4, vocab_size=128, decoder_start_token_id=0)
DEBERTA = dict(SMALL, relative_attention=True, pos_att_type=["p2c", "c2p"], max_relative_positions=-1)

# name on the hub: (class of the configuration, its values, class of the model)
MODELS = {
    "peft-internal-testing/tiny-random-OPTForCausalLM": ("OPTConfig", OPT, "OPTForCausalLM"),
    "peft-internal-testing/opt-125m": (
        "OPTConfig",
        dict(OPT, num_hidden_layers=12),
        "OPTForCausalLM",
    ),  # some tests name layers 0 to 11
    "peft-internal-testing/tiny-random-GPT2LMHeadModel": ("GPT2Config", GPT2, "GPT2LMHeadModel"),
    "hf-internal-testing/tiny-random-gpt2": ("GPT2Config", GPT2, "GPT2LMHeadModel"),
    "peft-internal-testing/tiny-random-GPTJForCausalLM": ("GPTJConfig", dict(GPT2, rotary_dim=4), "GPTJForCausalLM"),
    "trl-internal-testing/tiny-random-LlamaForCausalLM": ("LlamaConfig", DECODER, "LlamaForCausalLM"),
    "peft-internal-testing/tiny-random-LlamaForCausalLM": ("LlamaConfig", DECODER, "LlamaForCausalLM"),
    "trl-internal-testing/tiny-LlamaForSequenceClassification-3.2": (
        "LlamaConfig",
        dict(DECODER, num_labels=1),
        "LlamaForSequenceClassification",
    ),
    "peft-internal-testing/tiny-dummy-qwen2": ("Qwen2Config", DECODER, "Qwen2ForCausalLM"),
    "hf-internal-testing/tiny-random-MistralForCausalLM": ("MistralConfig", DECODER, "MistralForCausalLM"),
    "hf-internal-testing/tiny-random-Gemma3ForCausalLM": (
        "Gemma3TextConfig",
        dict(DECODER, head_dim=8, pad_token_id=0),
        "Gemma3ForCausalLM",
    ),
    "peft-internal-testing/tiny-random-BloomForCausalLM": (
        "BloomConfig",
        dict(hidden_size=32, n_layer=5, n_head=4, vocab_size=128),
        "BloomForCausalLM",
    ),
    "peft-internal-testing/tiny-random-GPTNeoXForCausalLM": (
        "GPTNeoXConfig",
        dict(SMALL, num_hidden_layers=5),
        "GPTNeoXForCausalLM",
    ),
    "peft-internal-testing/tiny-random-BertModel": ("BertConfig", SMALL, "BertModel"),
    "peft-internal-testing/tiny-random-BertForSequenceClassification": (
        "BertConfig",
        SMALL,
        "BertForSequenceClassification",
    ),
    "bert-base-uncased": ("BertConfig", SMALL, "BertForSequenceClassification"),
    "peft-internal-testing/tiny-random-RobertaModel": ("RobertaConfig", SMALL, "RobertaModel"),
    "peft-internal-testing/tiny-random-RobertaForSequenceClassification": (
        "RobertaConfig",
        SMALL,
        "RobertaForSequenceClassification",
    ),
    "peft-internal-testing/tiny-random-DebertaModel": ("DebertaConfig", DEBERTA, "DebertaModel"),
    # as in DeBERTa v3: query and key are called twice, for the content and for the relative positions
    "peft-internal-testing/tiny-random-DebertaV2Model": (
        "DebertaV2Config",
        dict(DEBERTA, share_att_key=True, position_buckets=16),
        "DebertaV2Model",
    ),
    "peft-internal-testing/tiny-random-T5ForConditionalGeneration-calibrated": (
        "T5Config",
        T5,
        "T5ForConditionalGeneration",
    ),
    "peft-internal-testing/tiny-random-T5ForConditionalGeneration": ("T5Config", T5, "T5ForConditionalGeneration"),
    "peft-internal-testing/tiny-random-t5": ("T5Config", T5, "T5ForConditionalGeneration"),
    "peft-internal-testing/tiny-random-BartForConditionalGeneration": (
        "BartConfig",
        dict(
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=40,
            decoder_ffn_dim=40,
            vocab_size=128,
            max_position_embeddings=128,
        ),
        "BartForConditionalGeneration",
    ),
}


def make(folder):
    "Write the models that `folder` lacks; it becomes the hub cache of whoever sets HF_HUB_CACHE to it."
    import torch
    import transformers

    revision = hashlib.sha1(
        repr((MODELS, transformers.__version__)).encode()
    ).hexdigest()  # a change of either writes them again
    for name, (config, values, model) in MODELS.items():
        repo = Path(folder) / ("models--" + name.replace("/", "--"))
        if (repo / "snapshots" / revision / "config.json").exists() and (
            repo / "refs" / "main"
        ).read_text() == revision:
            continue
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            getattr(transformers, model)(getattr(transformers, config)(**values)).save_pretrained(
                repo / "snapshots" / revision
            )
        (repo / "refs").mkdir(exist_ok=True)
        (repo / "refs" / "main").write_text(revision)  # last: a folder without it is written again
