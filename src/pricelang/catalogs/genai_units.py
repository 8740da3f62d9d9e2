"""What genai-prices counts: the key of each price, the field of the records, the unit, and what is a part of what."""

from __future__ import annotations

from pricelang.catalogs.form import Meter
from pricelang.catalogs.tokens import TOKENS

_OTHERS = {
    # price key: field, column, unit, per, dimensions
    "input_mchars": ("input_characters", "Input characters", "character", "1M characters", "characters,input"),
    "input_text_messages_kcount": ("input_text_messages", "Messages", "message", "1K messages", "messages,input,text"),
    "audio_hours": ("audio_seconds", "Audio time", "second", "hour", "durations,audio"),
    "input_audio_hours": ("input_audio_seconds", "Input audio time", "second", "hour", "durations,audio,input"),
    "output_audio_hours": ("output_audio_seconds", "Output audio time", "second", "hour", "durations,audio,output"),
    "input_gpixels": ("input_pixels", "Input pixels", "pixel", "1B pixels", "pixels,input"),
    "input_document_kpages": ("input_document_pages", "Pages", "page", "1K pages", "document_pages,input"),
    "input_annotated_document_kpages": (
        "input_annotated_document_pages",
        "Annotated pages",
        "page",
        "1K pages",
        "document_pages,input,annotated",
    ),
    "rerank_searches_kcount": ("rerank_searches", "Rerank searches", "search", "1K searches", "rerank"),
    "web_searches_kcount": ("web_searches", "Web searches", "search", "1K searches", "web_search"),
    "social_searches_kcount": ("social_searches", "Social searches", "search", "1K searches", "social_search"),
    "storage_searches_kcount": ("storage_searches", "Storage searches", "search", "1K searches", "storage_search"),
    "code_executions_kcount": ("code_executions", "Code executions", "execution", "1K executions", "code_execution"),
    "requests_kcount": ("requests", "Requests", "request", "1K requests", "requests"),
}

METERS: dict[str, Meter] = {
    **{f"{stem}_mtok": meter for stem, meter in TOKENS.items()},
    **{
        key: Meter(field, column, unit, per, frozenset((name, name) for name in dims.split(",")))
        for key, (field, column, unit, per, dims) in _OTHERS.items()
    },
}
"""Each meter by the key of its price, in the order of columns."""
