"""Runs inside Blender's Python: sends every layer of one EXR to a File Output node.

Arguments: the EXR, the folder to write to. Names and types of the sockets go to ``sockets.json``.
"""

import json
import os
import sys
from pathlib import Path

import bpy

source, folder = sys.argv[1:3]
is_new = bpy.app.version >= (5, 0, 0)
scene = bpy.data.scenes.new("layers")
if is_new:
    tree = bpy.data.node_groups.new("comp", "CompositorNodeTree")
    scene.compositing_node_group = tree
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    result = tree.nodes.new("NodeGroupOutput").inputs[0]
else:
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    result = tree.nodes.new("CompositorNodeComposite").inputs[0]
image = bpy.data.images.load(source)
# What is measured is the file's numbers, so nothing may convert them on the way.
image.colorspace_settings.name = scene.sequencer_colorspace_settings.name = "Linear Rec.709"
node = tree.nodes.new("CompositorNodeImage")
node.image = image
layers = [socket for socket in node.outputs if socket.enabled]
out = tree.nodes.new("CompositorNodeOutputFile")
if hasattr(out.format, "media_type"):
    out.format.media_type = "MULTI_LAYER_IMAGE"
out.format.file_format = "OPEN_EXR_MULTILAYER"
out.format.color_depth = "32"
if hasattr(out, "save_as_render"):  # 4.2 has it on each slot
    out.save_as_render = False
if is_new:
    out.directory, out.file_name = folder, "back.####"
    out.file_output_items.clear()
    kinds = {"RGBA": "RGBA", "VALUE": "FLOAT", "VECTOR": "VECTOR"}
    for socket in layers:
        out.file_output_items.new(kinds[socket.type], socket.name)
else:
    out.base_path = f"{folder}/back.####"
    out.layer_slots.clear()
    for socket in layers:
        slot = out.layer_slots.new(socket.name)
        if hasattr(slot, "save_as_render"):
            slot.save_as_render = False
for index, socket in enumerate(layers):
    tree.links.new(socket, out.inputs[index])
tree.links.new(layers[0], result)
render = scene.render
render.resolution_x, render.resolution_y = image.size
render.compositor_device = "CPU"
render.filepath = f"{folder}/render.####"
scene.frame_start = scene.frame_end = 1
bpy.ops.render.render(animation=True, scene=scene.name)
Path(folder, "sockets.json").write_text(json.dumps({s.name: s.type for s in layers}))
os._exit(0)  # some wheels crash while they are torn down
