package lazydit.weights.fuzz;

import java.util.List;

/** Texts that mean something to a reader, or should not. */
final class Words {
  /** What strings in the JSON of safetensors files, indices and configs may be, by kind. */
  static final List<List<String>> JSON =
      List.of(
          words("F32 F16 BF16 F64 I64 I32 I16 I8 U8 BOOL F8_E4M3 f32"),
          words(
              """
              __metadata__ dtype shape data_offsets weight_map metadata config tensors kind model
              gates.attn gates.mlp steps attn_threshold mlp_threshold timestep_map
              base_model_sha256 num_heads class_names id2label num_attention_heads sample_size
              _class_name AutoencoderKL norm_num_groups scaling_factor block_out_channels
              blocks.0.attn_lazy_learning.0.weight block_01_mlp_lazy_learning_weight_1
              """),
          words(
              """
              null true [] {} -1 0 2 1e999 [1,2] [0,99999999999] \\"x\\" [\\"a\\"] [null]
              [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
              """),
          words(
              """
              . .. ../a.safetensors /etc/hostname a.safetensors b.safetensors con a\\u0000b \\ud800
              \\ud83d\\ude00 caf\\u00e9 \u00c3\u00a9 \u00ff \\u001b[2J %s%n%d a\\tb\\n \\x
              """));

  /** Modules and names of Python, allowed and not; a colon parts the two. */
  static final List<String> PYTHON =
      words(
          """
          collections:OrderedDict collections:defaultdict argparse:Namespace pathlib:PosixPath
          builtins:dict builtins:list builtins:set builtins:bytes builtins:object
          _codecs:encode copyreg:_reconstructor torch:Size torch:device torch:Tensor
          torch:float32 torch:bool torch:FloatStorage torch:LongStorage torch:BoolStorage
          torch:BFloat16Storage torch.storage:UntypedStorage torch.nn.parameter:Parameter
          torch._utils:_rebuild_tensor torch._utils:_rebuild_tensor_v2
          torch._utils:_rebuild_tensor_v3 torch._utils:_rebuild_parameter
          torch._utils:_rebuild_parameter_with_state torch._tensor:_rebuild_from_type_v2
          numpy:ndarray numpy:dtype numpy.core.multiarray:_reconstruct
          numpy.core.multiarray:scalar numpy._core.numeric:_frombuffer
          os:system posix:system subprocess:Popen builtins:eval builtins:getattr
          torch.hub:load torch:load runpy:_run_code java.lang.Runtime:exec
          """);

  /** Texts in pickles. */
  static final List<String> PICKLED =
      words(
          """
          storage module 0 1 70 cpu cuda:0 latin1 utf-8 zip little_endian model ema state_dict args
          num_sampling_steps f4 <f8 >i4 |b1 O | < > F C a.b ../0 \u0000 \u00e9 %s%n
          block_0_attn_lazy_learning_weight_0 blocks.0.attn.qkv.weight
          """);

  private Words() {}

  private static List<String> words(String spaced) {
    return List.of(spaced.split("\\s+"));
  }
}
