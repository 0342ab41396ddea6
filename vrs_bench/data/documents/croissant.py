"""The Croissant description of a dataset folder (JSON-LD, mlcommons.org/croissant/1.0)."""

from __future__ import annotations

from typing import Any

from vrs_bench.columns import Column
from vrs_bench.data.documents.citation import CITATION, RELEASED, summary
from vrs_bench.data.documents.responsible import VOCABULARY, responsible
from vrs_bench.data.manifest import Manifest
from vrs_bench.tasks import get_task


def croissant(manifest: Manifest) -> dict[str, Any]:
    """Return a Croissant 1.0 description (JSON-LD) of the folder, with the RAI vocabulary."""
    repository = {"@id": "repository"}
    distribution: list[dict[str, Any]] = [
        {
            "@type": "cr:FileObject",
            "@id": "repository",
            "name": "repository",
            "description": "The folder that holds this file.",
            "contentUrl": "./",
            "encodingFormat": "git+https",
            "sha256": "main",
        }
    ]
    records: list[dict[str, Any]] = []
    for name in manifest.tasks:
        task = get_task(name)
        files = f"{name}-files"
        distribution.append(
            {
                "@type": "cr:FileSet",
                "@id": files,
                "name": files,
                "description": f"Parquet files of {name}; manifest.json has their SHA-256.",
                "containedIn": repository,
                "encodingFormat": "application/x-parquet",
                "includes": f"{name}/*.parquet",
            }
        )
        columns = {column.name: column for column in manifest.bound(name).columns}
        for config, selected in manifest.configs(name).items():
            records.append(
                {
                    "@type": "cr:RecordSet",
                    "@id": config,
                    "name": config,
                    "description": task.description,
                    "field": [_field(config, columns[column], files) for column in selected],
                }
            )
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": f"vrs-bench-{manifest.recipe.name}",
        "description": summary(manifest),
        "conformsTo": ["http://mlcommons.org/croissant/1.0", VOCABULARY],
        "citeAs": CITATION,
        "license": "that of the images"
        if manifest.own_imagery
        else "https://www.apache.org/licenses/LICENSE-2.0",
        "url": "./",
        "version": manifest.package,
        "datePublished": RELEASED,
        "distribution": distribution,
        "recordSet": records,
        **responsible(manifest),
    }


def _field(config: str, column: Column, files: str) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{config}/{column.name}",
        "name": f"{config}/{column.name}",
        "description": column.text,
        "dataType": "sc:Float" if column.dtype.startswith("float") else "sc:Integer",
        "source": {"fileSet": {"@id": files}, "extract": {"column": column.name}},
    }
    if column.shape:
        field |= {"cr:isArray": True, "cr:arrayShape": ",".join(map(str, column.shape))}
    return field


_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "prov": "http://www.w3.org/ns/prov#",
    "dct": "http://purl.org/dc/terms/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
