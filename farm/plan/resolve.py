"""The one conversion from what a user wrote to what will be rendered: Manifest -> Plan."""

from __future__ import annotations

from collections.abc import Mapping

from farm.manifest import Manifest, to_yaml
from farm.manifest.pipelines import PIPELINES
from farm.plan.arguments import arguments_of
from farm.plan.identity import renderer_digest
from farm.plan.layout import grid_of
from farm.plan.motions import motion_of, scheduler_spec
from farm.plan.pictures import canvas_arguments, image_prompt_tracks, picture_tracks
from farm.plan.plan import Plan
from farm.plan.series import Sweep
from farm.records import PictureSource, RendererSpec


def make_plan(
    manifest: Manifest, renderer: RendererSpec, sources: Mapping[str, PictureSource] | None = None
) -> Plan:
    """Return the plan of a valid manifest on a renderer whose checkpoints were found.

    `sources` are the pictures that it names, each by the text that is written in the manifest.

    Chunks hold one frame where a call takes one value for all of its frames and they differ in it: a number that
    moves; or where diffusers takes one picture only.
    """
    render = manifest.render
    arguments, curves = arguments_of(manifest)
    tracks = picture_tracks(manifest, sources or {})
    image_prompts = image_prompt_tracks(manifest, sources or {})
    motion = motion_of(manifest)
    one_by_one = bool(curves) or isinstance(motion, Sweep) or _takes_one_frame(manifest)
    return Plan(
        name=manifest.name,
        description=manifest.description,
        kind=manifest.animation.kind,
        frame_count=manifest.animation.frame_count,
        batch_size=1 if one_by_one else render.batch_size,
        renderer=renderer,
        renderer_digest=renderer_digest(renderer),
        motion=motion,
        syntax=render.prompt_syntax,
        pads_together=render.prompt_syntax == "compel" or PIPELINES[manifest.model.pipeline].pads_together,
        scheduler=scheduler_spec(manifest.model.scheduler),
        arguments=arguments | canvas_arguments(manifest, tracks),
        curves=curves,
        pictures=tracks,
        image_prompts=image_prompts,
        outputs=manifest.output.spec(grid_of(motion) if manifest.output.grid else None),
        manifest_text=to_yaml(manifest),
    )


def _takes_one_frame(manifest: Manifest) -> bool:
    """Whether diffusers 0.42 is right for one frame a call only.

    A crop around the mask is of one picture; the two negative sizes of XL reach the wrong frames of a batch.
    """
    render = manifest.render
    return render.padding_mask_crop is not None or (
        render.negative_original_size is not None and render.negative_target_size is not None
    )
