"""Runs inside Blender's Python: one step of what an artist does, by name.

Arguments: the step, and a folder with ``task.json``. What was found goes to ``STEP.json`` there.
"""

import doctest
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import bpy

ID = "bl_ext.user_default.faceplate"
IS_NEW = bpy.app.version >= (5, 0, 0)


# --- what a person does with the mouse ----------------------------------------------------------


def install(task):
    """Install the zip from disk, as a person does."""
    found = bpy.ops.extensions.package_install_files(
        filepath=task["zip"], repo="user_default", enable_on_install=True, overwrite=True
    )
    assert found == {"FINISHED"}, found


def enable(task):
    """Switch the installed add-on on, and set its preferences."""
    assert bpy.ops.preferences.addon_enable(module=ID) == {"FINISHED"}
    preferences = bpy.context.preferences.addons[ID].preferences
    preferences.engine, preferences.cache = task["engine"], task["cache"]
    preferences.threads = 1


def part(name):
    """Return a module of the add-on."""
    return importlib.import_module(f"{ID}.vendor.faceplate.plugin.blender.{name}")


def session():
    return sys.modules[ID]._add_on.session


def new_scene(task, frames=3):
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, frames
    scene.render.compositor_device = "CPU"
    scene.sequencer_colorspace_settings.name = "Linear Rec.709"
    tree = part("compat").compositor_tree(scene)
    tree.nodes.clear()
    return scene, tree


def plate_node(tree, task, frames=3):
    """Show the plate's frames 1001 and on from scene frame 1 on."""
    image = bpy.data.images.load(task["plate"] % 1001)
    image.source = "SEQUENCE"
    image.colorspace_settings.name = "Linear Rec.709"
    node = tree.nodes.new("CompositorNodeImage")
    node.image, node.frame_duration = image, frames
    node.frame_start, node.frame_offset = 1, 1000
    return node


def add_swap(tree, task, plate):
    assert bpy.ops.faceplate.add_node(node="FaceSwap") == {"FINISHED"}
    node = tree.nodes.active
    tree.links.new(plate.outputs[0], node.inputs["Image"])
    settings = node.node_tree.faceplate
    settings.actor = task["actor"]
    settings.frames, settings.draft, settings.shot = "1001-1003", True, "demo"
    return node, settings


def write_layers(tree, node, folder, names):
    """Send outputs of a node to 32-bit EXR files, one folder each."""
    tree.links.new(node.outputs["Image"], part("compat").result_socket(tree))
    for name in names:
        socket = part("compat").file_output(tree, folder / name, "out.####")
        tree.links.new(node.outputs[name], socket)


def render(scene, folder):
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_depth = "OPEN_EXR", "32"
    scene.render.filepath = str(folder / "render.####")
    bpy.ops.render.render(animation=True, scene=scene.name)


# --- steps --------------------------------------------------------------------------------------


def swap(task, folder):
    scene, tree = new_scene(task)
    node, settings = add_swap(tree, task, plate_node(tree, task))
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    assert bpy.ops.faceplate.render() == {"FINISHED"}
    write_layers(tree, node, folder / "first", ["Image", "comp", "face", "matte_blend"])
    render(scene, folder / "first")
    bpy.ops.wm.save_mainfile()
    import addon_utils

    return {
        "outputs": {s.name: s.type for s in node.outputs},
        "result": settings.result,
        "rendered": settings.rendered,
        "error": settings.error,
        "space": tree.nodes.active.node_tree.nodes["Image"].image.colorspace_settings.name,
        "warnings": [w for ws in addon_utils._extensions_warnings_get().values() for w in ws],
    }


def without(task, folder):
    """Open the saved file where the add-on never was, render it again, and save it."""
    bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
    assert ID not in bpy.context.preferences.addons
    scene = bpy.context.scene
    tree = scene.compositing_node_group if IS_NEW else scene.node_tree
    for node in tree.nodes:
        if node.bl_idname == "CompositorNodeOutputFile":
            name = "directory" if IS_NEW else "base_path"
            setattr(node, name, getattr(node, name).replace("first", "without"))
    render(scene, folder / "without")
    bpy.ops.wm.save_mainfile()
    return {"node classes": sorted({node.bl_idname for node in tree.nodes})}


def again(task, folder):
    """Open what was saved without the add-on: settings are there, errors are said in words."""
    bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
    scene = bpy.context.scene
    tree = part("compat").compositor_tree(scene)
    node = next(n for n in tree.nodes if n.bl_idname == "CompositorNodeGroup")
    settings = node.node_tree.faceplate
    found = {"actor": settings.actor, "rendered": settings.rendered, "draft": settings.draft}
    copy = node.node_tree.copy()
    found["copied"] = copy.faceplate.actor
    bpy.data.node_groups.remove(copy)

    assert bpy.ops.faceplate.check_frames() == {"FINISHED"}
    gone = Path(bpy.path.abspath(settings.result) % 1002)
    content = gone.read_bytes()
    gone.unlink()
    found["check"] = said(bpy.ops.faceplate.check_frames)
    render(scene, folder / "gone")
    found["before render"] = [settings.error, settings.hint, node.label, node.use_custom_color]
    gone.write_bytes(content)

    actor, settings.actor = settings.actor, "/nowhere/ana.actor"
    found["no actor"] = [said(bpy.ops.faceplate.render), settings.error, node.label]
    settings.actor = actor
    assert bpy.ops.faceplate.render() == {"FINISHED"}
    found["mended"] = [settings.error, node.label, node.use_custom_color]

    preferences = bpy.context.preferences.addons[ID].preferences
    engine, preferences.engine = preferences.engine, "/nowhere/python"
    found["no engine"] = said(bpy.ops.faceplate.render)
    preferences.engine = engine
    session().close()
    scene.frame_set(2)
    assert bpy.ops.faceplate.preview() == {"FINISHED"}
    found["preview"] = bpy.data.images["Faceplate Preview"].filepath
    (folder / "preview.exr").write_bytes(Path(found["preview"]).read_bytes())
    assert bpy.ops.faceplate.try_engine() == {"FINISHED"}
    return found


def said(operator, **arguments):
    """Return what an operator says when it fails in the background."""
    try:
        operator(**arguments)
    except RuntimeError as error:
        return str(error).strip()
    return ""


def knobs(task, folder):
    """Say which jobs settings make: defaults, curves, words, faces; and run the examples."""
    scene_part = part("scene")
    errors = importlib.import_module(f"{ID}.vendor.faceplate.core.errors")
    scene, tree = new_scene(task)
    node, settings = add_swap(tree, task, plate_node(tree, task))
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "knobs" / "knobs.blend"))
    plate = scene_part.plate_of(scene, node.node_tree)

    def job():
        return json.loads(part("wiring").order_of(scene, node.node_tree).job.to_json())

    found = {"plate": [plate.pattern, plate.shift], "default": job()}
    assert bpy.ops.faceplate.write_shot() == {"FINISHED"}
    settings.mix = 0.0
    settings.keyframe_insert("mix", frame=1)
    settings.mix = 1.0
    settings.keyframe_insert("mix", frame=5)
    found["bezier"] = job()["knobs"]["mix"]
    for curve in part("compat").fcurves(node.node_tree):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    found["linear"] = job()["knobs"]["mix"]
    settings.sharpness_choice, settings.sharpness = "number", 2.5
    settings.face_by, settings.face_at = "at", (12.5, 40.0)
    settings.layers = {"comp", "st"}
    settings.views = 2
    changed = job()
    found["changed"] = [changed["knobs"]["sharpness"], changed["face"], changed["layers"]]
    driver = settings.driver_add("grain").driver
    driver.expression = "1"
    try:
        job()
    except errors.KnobError as error:
        found["driven"] = str(error)
    settings.driver_remove("grain")
    try:
        settings.keyframe_insert("views", frame=1)
    except TypeError as error:
        found["views"] = str(error)
    modules = [m for name, m in sys.modules.items() if name.startswith(f"{ID}.vendor") and m]
    failed = {m.__name__: doctest.testmod(m).failed for m in modules if ".blender" in m.__name__}
    found["examples"] = failed
    return found


def feed(task, folder):
    """What is plugged in and is no file is rendered first, and the engine gets that."""
    scene, tree = new_scene(task)
    plate = plate_node(tree, task)
    darker = tree.nodes.new("CompositorNodeExposure")
    darker.inputs["Exposure"].default_value = -1.0
    tree.links.new(plate.outputs[0], darker.inputs["Image"])
    node, settings = add_swap(tree, task, plate)
    tree.links.new(darker.outputs[0], node.inputs["Image"])
    settings.frames = "2"
    nodes = len(tree.nodes), len(bpy.data.scenes), len(bpy.data.node_groups)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "feed" / "feed.blend"))
    assert bpy.ops.faceplate.render() == {"FINISHED"}
    after = len(tree.nodes), len(bpy.data.scenes), len(bpy.data.node_groups)
    return {"result": settings.result, "nodes": [nodes, after], "rendered": settings.rendered}


def strip(task, folder):
    """Swap the face in a trimmed strip of the sequencer."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 11, 14
    scene.sequencer_colorspace_settings.name = "Linear Rec.709"
    scene.view_settings.view_transform = "Raw"
    editor = scene.sequence_editor_create()
    names = [Path(task["plate"] % number).name for number in range(1001, 1005)]
    make = part("compat").strips(editor).new_image
    source = make(name="plate", filepath=task["plate"] % 1001, channel=1, frame_start=11)
    for name in names[1:]:
        source.elements.append(name)
    source.colorspace_settings.name = "Linear Rec.709"
    if hasattr(source, "left_handle_offset"):
        source.left_handle_offset = source.right_handle_offset = 1
    else:
        source.frame_offset_start = source.frame_offset_end = 1
    editor.active_strip = source
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "strip" / "strip.blend"))
    found = {"no actor": [said(bpy.ops.faceplate.swap_strip), scene.faceplate.error]}
    scene.faceplate.actor, scene.faceplate.draft = task["actor"], True
    scene.faceplate.shot = "demo"
    for _ in range(2):  # the second time it takes the place of the first
        assert bpy.ops.faceplate.swap_strip() == {"FINISHED"}
    strips = part("compat").all_strips(editor)
    made = strips["plate face"]
    render_settings = scene.render
    render_settings.resolution_x, render_settings.resolution_y = task["size"]
    render_settings.resolution_percentage = 100
    render_settings.use_sequencer = True
    render(scene, folder / "strip")
    found["strips"] = [[s.name, s.channel, *part("compat").visible_range(s)] for s in strips]
    found["files"] = [element.filename for element in made.elements]
    found["error"] = scene.faceplate.error
    return found


def track(task, folder):
    """Follow the faces of a clip; markers, a mask that moves, shape keys, a matte of the mask."""
    clip = bpy.data.movieclips.load(task["plate"] % 1001)
    scene, tree = new_scene(task, frames=4)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "track" / "track.blend"))
    assert bpy.ops.faceplate.track_clip() == {"FINISHED"}
    tracks = clip.tracking.tracks
    width, height = clip.size
    markers = {
        t.name: {m.frame: [m.co[0] * width, (1 - m.co[1]) * height, m.mute] for m in t.markers}
        for t in tracks
    }
    nose = tracks["face0.nose_tip"].markers.find_frame(2)
    nose.co = (nose.co[0] + 5 / width, nose.co[1])
    for _ in range(2):  # the second time nothing was moved, and nothing changes
        assert bpy.ops.faceplate.track_clip() == {"FINISHED"}
    moved = {m.frame: m.co[0] * width for m in tracks["face0.nose_tip"].markers}
    scene.frame_set(3)
    assert bpy.ops.faceplate.mask_from_face() == {"FINISHED"}
    mask = bpy.data.masks[-1]
    render_settings = scene.render
    render_settings.resolution_x, render_settings.resolution_y = task["size"]
    render_settings.resolution_percentage = 100
    source = tree.nodes.new("CompositorNodeMask")
    source.mask = mask
    tree.links.new(source.outputs[0], part("compat").result_socket(tree))
    scene.view_settings.view_transform = "Raw"
    render(scene, folder / "mask")

    mesh = bpy.data.meshes.new("head")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    head = bpy.data.objects.new("head", mesh)
    scene.collection.objects.link(head)
    bpy.context.view_layer.objects.active = head
    found = {"no keys": said(bpy.ops.faceplate.shape_keys_from_face)}
    for name in ("Basis", "jawOpen", "eyeBlinkLeft", "other"):
        head.shape_key_add(name=name).value = 0.0
    assert bpy.ops.faceplate.shape_keys_from_face() == {"FINISHED"}
    values = {}
    for frame in (1, 2, 3, 4):
        scene.frame_set(frame)
        values[frame] = [head.data.shape_keys.key_blocks[n].value for n in ("jawOpen", "other")]
    found.update(
        markers=markers, moved=moved, keys=values, points=len(mask.layers[0].splines[0].points)
    )

    tree.nodes.clear()
    node, settings = add_swap(tree, task, plate_node(tree, task, 4))
    settings.mask, settings.frames, settings.layers = mask, "1001-1002", {"comp", "matte"}
    settings.track = clip.faceplate_track
    assert bpy.ops.faceplate.render() == {"FINISHED"}
    found["masked"] = bpy.path.abspath(settings.result)
    scene.frame_set(2)
    assert bpy.ops.faceplate.preview() == {"FINISHED"}
    preview = Path(bpy.data.images["Faceplate Preview"].filepath)
    (folder / "masked.exr").write_bytes(preview.read_bytes())
    return found


def add(tree, kind, **wires):
    """Add a node of ours and plug outputs into it, by the names of its inputs."""
    assert bpy.ops.faceplate.add_node(node=kind) == {"FINISHED"}
    node = tree.nodes.active
    for name, source in wires.items():
        tree.links.new(source, node.inputs[name])
    settings = node.node_tree.faceplate
    settings.frames, settings.draft, settings.shot = "1001-1002", True, "demo"
    return node, settings


def control_knobs():
    return [knob for knob in part("properties").NODES["FaceQC"].knobs if knob.name != "seed"]


def chain(task, folder):
    """Track, matte and swap as nodes of their own, wired; then the swap in parts."""
    scene, tree = new_scene(task, frames=2)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "chain.blend"))
    plate = plate_node(tree, task, 2).outputs[0]
    track, track_settings = add(tree, "FaceTrack", Image=plate)
    seen = {"Image": track.outputs["Image"], "Track": track.outputs["Track"]}
    matte, matte_settings = add(tree, "FaceMatte", **seen)
    swap, settings = add(
        tree, "FaceSwap", Image=plate, Track=seen["Track"], Matte=matte.outputs["Matte"]
    )
    settings.actor, settings.views = task["actor"], 2
    matte_settings.erode, settings.erode, track_settings.smoothing = 1.5, 2.0, 0.5
    outputs = {node.name: [s.name for s in node.outputs] for node in (track, matte, swap)}
    found = {"outputs": outputs}

    def press(node, operator=bpy.ops.faceplate.render):
        return said(operator, group=node.node_tree.name)

    def job(node):
        return json.loads(part("wiring").order_of(scene, node.node_tree).job.to_json())

    found["not tracked"] = [press(swap), settings.error, swap.label]
    assert press(track) == ""
    found["track"] = bpy.path.abspath(track_settings.result)
    found["swap"] = job(swap)
    track_settings.smoothing = 0.25
    found["tracked otherwise"] = press(swap)
    track_settings.smoothing = 0.5

    face, face_settings = add(tree, "FaceReenact", **seen)
    face_settings.views, face_settings.actor = 2, task["actor"]
    knee = tree.nodes.new("NodeReroute")
    tree.links.new(face.outputs["Face"], knee.inputs[0])
    cut = matte.outputs["Matte"]
    whole, _ = add(tree, "FaceComplete", Face=knee.outputs[0], Matte=cut)
    blend, blend_settings = add(
        tree, "FaceBlend", Image=plate, Face=whole.outputs["Face"], Matte=cut
    )
    blend_settings.erode, blend_settings.layers = 2.0, settings.layers
    found["parts"] = job(blend)
    found["no frames"] = press(whole)
    other = part("compat").value_node(tree, "Value").outputs[0]
    tree.links.new(other, blend.inputs["Face"])
    found["no face"] = press(blend)
    tree.links.new(whole.outputs["Face"], blend.inputs["Face"])
    tree.links.new(other, whole.inputs["Matte"])
    found["no matte"] = press(blend)
    tree.links.new(cut, whole.inputs["Matte"])
    tree.links.new(other, matte.inputs["Image"])
    found["other plate"] = press(blend)
    tree.links.new(seen["Image"], matte.inputs["Image"])
    assert press(blend) == ""
    found["blend"] = bpy.path.abspath(blend_settings.result)

    trained, training = add(tree, "TrainIdentity")
    training.actor, training.samples = task["actor"], 6
    training.seed = 10 * bpy.app.version[0] + bpy.app.version[1]  # none is in the cache yet
    tree.links.new(trained.outputs["Actor"], swap.inputs["Actor"])
    found["trains a warp"] = press(swap)
    settings.method = "fsgan"
    found["trained"], found["training"] = job(swap), job(trained)
    work = part("requests").render_group(scene, trained.node_tree, overwrite=False)
    preferences = bpy.context.preferences.addons[ID].preferences
    steps = []
    sentence = session().wait(session().start(work, preferences), steps.append)
    found["taught"] = [sentence, *steps]
    tree.links.remove(swap.inputs["Actor"].links[0])
    settings.method = "warp"

    control, limits = add(tree, "FaceQC", Image=plate)
    found["no comp"] = press(control)
    tree.links.new(blend.outputs["Image"], control.inputs["Comp"])
    for knob in control_knobs():
        setattr(limits, knob.name, 0 if knob.name == "grain_least" else knob.high)
    found["within"] = press(control)
    limits.landmarks_most = 0.0
    found["past"] = [press(control), limits.error, control.label]
    found["report"] = bpy.path.abspath(limits.result)

    assert press(matte) == ""
    found["mattes"] = {s.name: s.type for s in matte.outputs}
    write_layers(tree, matte, folder / "chain" / "layers", ["Matte", "matte_face", "Image"])
    bpy.ops.wm.save_mainfile()
    for node in [n for n in tree.nodes if n.bl_idname == "CompositorNodeOutputFile"]:
        tree.nodes.remove(node)
    tree.links.new(matte.outputs["matte_face"], swap.inputs["Matte"])
    assert press(swap, bpy.ops.faceplate.write_shot) == ""
    found["by hand"] = job(swap)["matte_in"]

    assert press(track, bpy.ops.faceplate.markers_in_clip) == ""
    (clip,) = bpy.data.movieclips
    tracks = clip.tracking.tracks
    found["clip"] = [clip.frame_start, len(tracks)]
    width = clip.size[0]
    nose = tracks["face0.nose_tip"].markers.find_frame(2)
    before = nose.co[0]
    nose.co = (before + 5 / width, nose.co[1])
    assert press(track) == ""
    moved = tracks["face0.nose_tip"].markers.find_frame(2).co[0]
    found["moved"] = (moved - before) * width
    scene.frame_set(2)
    assert press(track, bpy.ops.faceplate.mask_from_face) == ""
    found["masks"] = [mask.name for mask in bpy.data.masks]
    return found


def mattes_alone(task, folder):
    """Open the chain where the add-on never was, and render the mattes."""
    bpy.ops.wm.open_mainfile(filepath=str(folder / "chain.blend"))
    assert ID not in bpy.context.preferences.addons
    render(bpy.context.scene, folder / "mattes_alone")
    return {}


def crash(task, folder):
    """Kill the engine while it renders: Blender lives, says it, starts it again, finishes."""
    scene, tree = new_scene(task)
    node, settings = add_swap(tree, task, plate_node(tree, task))
    settings.frames = "1001-1004"
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "crash" / "crash.blend"))
    output = folder / "crash" / "faceplate" / "face_swap"
    killed, running = [], session()

    def kill(times):
        while len(killed) < times:
            number = running.process_id
            busy = running.running and running.running[0].call.frame is not None
            if busy and number not in killed:
                os.kill(number, signal.SIGKILL)
                killed.append(number)
            time.sleep(0.005)

    def render_and_kill(times):
        killed.clear()
        killer = threading.Thread(target=kill, args=(times,), daemon=True)
        killer.start()
        words = said(bpy.ops.faceplate.render)
        killer.join(1)
        return words

    found = {"twice": [render_and_kill(2), settings.error, settings.hint, node.label]}
    found["after twice"] = sorted(path.name for path in output.glob("*.exr"))
    found["once"] = [render_and_kill(1), settings.error, node.label]
    found["killed"] = len(killed)
    found["frames"] = sorted(path.name for path in output.glob("*.exr"))
    return found


def remove(task, folder):
    """Uninstall: nothing of ours stays."""
    repos = bpy.context.preferences.extensions.repos
    index = [repo.module for repo in repos].index("user_default")
    place = Path(repos[index].directory) / "faceplate"
    assert place.is_dir()
    process = session()
    assert bpy.ops.faceplate.try_engine() == {"FINISHED"}
    number = process.process_id
    found = bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="faceplate")
    assert found == {"FINISHED"}, found
    time.sleep(1)
    try:
        os.kill(number, 0)
        alive = True
    except ProcessLookupError:
        alive = False
    return {
        "folder": place.exists(),
        "engine": alive,
        "add-ons": ID in bpy.context.preferences.addons,
        "properties": [
            name
            for kind in (bpy.types.NodeTree, bpy.types.Scene, bpy.types.MovieClip)
            for name in dir(kind)
            if "faceplate" in name
        ],
        "operators": dir(bpy.ops.faceplate),
        "types": [name for name in dir(bpy.types) if "FACEPLATE" in name.upper()],
        "handlers": [
            repr(handler)
            for handlers in (bpy.app.handlers.render_init, bpy.app.handlers.load_post)
            for handler in handlers
            if "faceplate" in repr(handler.__module__)
        ],
        "modules": [name for name in sys.modules if "faceplate" in name],
    }


STEPS = (swap, without, again, knobs, feed, strip, track, chain, mattes_alone, crash, remove)
"""In this order: the first installs, the last uninstalls."""


def main():
    step, folder = sys.argv[1], Path(sys.argv[2]).resolve()
    task = json.loads((folder / "task.json").read_text())
    code = 1
    try:
        (folder / step).mkdir(exist_ok=True)
        if step == "swap":
            install(task)
        if step not in ("without", "mattes_alone"):
            enable(task)
        found = next(s for s in STEPS if s.__name__ == step)(task, folder)
        (folder / f"{step}.json").write_text(json.dumps(found, indent=1))
        code = 0
    except BaseException:  # noqa: BLE001 - this is where Blender ends
        traceback.print_exc()
    if ID in sys.modules and ID in bpy.context.preferences.addons:
        session().close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # some wheels crash while they are torn down


main()
