// layout.c - the layout of every public struct, frozen: offset and size of each field on 64-bit
// machines. A release may append rows and raise sizes of option structs; a changed row breaks
// programs that are already compiled. Prints the same as JSON, for the test of the Python binding.
#include <dogbreed/dogbreed.h>

#include <stdio.h>

// clang-format off
#define LAYOUT(STRUCT, FIELD) \
    STRUCT(dogbreed_dataset_options, 72)                                                   \
    FIELD(dogbreed_dataset_options, struct_size, 0, 4)                                     \
    FIELD(dogbreed_dataset_options, kind, 4, 4)                                            \
    FIELD(dogbreed_dataset_options, seed, 8, 8)                                            \
    FIELD(dogbreed_dataset_options, valid_fraction, 16, 8)                                 \
    FIELD(dogbreed_dataset_options, test_fraction, 24, 8)                                  \
    FIELD(dogbreed_dataset_options, bad_fraction, 32, 8)                                   \
    FIELD(dogbreed_dataset_options, pixels_max, 40, 8)                                     \
    FIELD(dogbreed_dataset_options, bytes_max, 48, 8)                                      \
    FIELD(dogbreed_dataset_options, jpeg_warnings, 56, 4)                                  \
    FIELD(dogbreed_dataset_options, reserved, 60, 4)                                       \
    FIELD(dogbreed_dataset_options, class_list, 64, 8)                                     \
    STRUCT(dogbreed_sample, 16)                                                            \
    FIELD(dogbreed_sample, struct_size, 0, 4)                                              \
    FIELD(dogbreed_sample, label, 4, 4)                                                    \
    FIELD(dogbreed_sample, path, 8, 8)                                                     \
    STRUCT(dogbreed_check_options, 24)                                                     \
    FIELD(dogbreed_check_options, struct_size, 0, 4)                                       \
    FIELD(dogbreed_check_options, kind, 4, 4)                                              \
    FIELD(dogbreed_check_options, bad_fraction, 8, 8)                                      \
    FIELD(dogbreed_check_options, decode, 16, 4)                                           \
    FIELD(dogbreed_check_options, threads, 20, 4)                                          \
    STRUCT(dogbreed_serve_options, 224)                                                    \
    FIELD(dogbreed_serve_options, struct_size, 0, 4)                                       \
    FIELD(dogbreed_serve_options, kind, 4, 4)                                              \
    FIELD(dogbreed_serve_options, host, 8, 8)                                              \
    FIELD(dogbreed_serve_options, model_name, 16, 8)                                       \
    FIELD(dogbreed_serve_options, model_version, 24, 8)                                    \
    FIELD(dogbreed_serve_options, tokens, 32, 8)                                           \
    FIELD(dogbreed_serve_options, tls_certificate, 40, 8)                                  \
    FIELD(dogbreed_serve_options, tls_key, 48, 8)                                          \
    FIELD(dogbreed_serve_options, multi_model, 56, 8)                                      \
    FIELD(dogbreed_serve_options, accept, 64, 8)                                           \
    FIELD(dogbreed_serve_options, body_max, 72, 8)                                         \
    FIELD(dogbreed_serve_options, invocations_max, 80, 8)                                  \
    FIELD(dogbreed_serve_options, multi_model_memory, 88, 8)                               \
    FIELD(dogbreed_serve_options, batch_delay_ms, 96, 8)                                   \
    FIELD(dogbreed_serve_options, deadline_s, 104, 8)                                      \
    FIELD(dogbreed_serve_options, header_s, 112, 8)                                        \
    FIELD(dogbreed_serve_options, body_s, 120, 8)                                          \
    FIELD(dogbreed_serve_options, idle_s, 128, 8)                                          \
    FIELD(dogbreed_serve_options, drain_s, 136, 8)                                         \
    FIELD(dogbreed_serve_options, port, 144, 4)                                            \
    FIELD(dogbreed_serve_options, batch_size, 148, 4)                                      \
    FIELD(dogbreed_serve_options, queue_max, 152, 4)                                       \
    FIELD(dogbreed_serve_options, workers, 156, 4)                                         \
    FIELD(dogbreed_serve_options, http_threads, 160, 4)                                    \
    FIELD(dogbreed_serve_options, items_max, 164, 4)                                       \
    FIELD(dogbreed_serve_options, connections_max, 168, 4)                                 \
    FIELD(dogbreed_serve_options, connections_per_ip, 172, 4)                              \
    FIELD(dogbreed_serve_options, callbacks, 176, 8)                                       \
    FIELD(dogbreed_serve_options, async_bytes, 184, 8)                                     \
    FIELD(dogbreed_serve_options, async_expiry_s, 192, 8)                                  \
    FIELD(dogbreed_serve_options, callback_timeout_s, 200, 8)                              \
    FIELD(dogbreed_serve_options, async_max, 208, 4)                                       \
    FIELD(dogbreed_serve_options, listen_first, 212, 4)                                    \
    FIELD(dogbreed_serve_options, bodies_max, 216, 8)                                      \
    STRUCT(dogbreed_call, 112)                                                             \
    FIELD(dogbreed_call, struct_size, 0, 4)                                                \
    FIELD(dogbreed_call, rank, 4, 4)                                                       \
    FIELD(dogbreed_call, body, 8, 8)                                                       \
    FIELD(dogbreed_call, size, 16, 8)                                                      \
    FIELD(dogbreed_call, content_type, 24, 8)                                              \
    FIELD(dogbreed_call, accept, 32, 8)                                                    \
    FIELD(dogbreed_call, request_id, 40, 8)                                                \
    FIELD(dogbreed_call, values, 48, 8)                                                    \
    FIELD(dogbreed_call, shape, 56, 32)                                                    \
    FIELD(dogbreed_call, model, 88, 8)                                                     \
    FIELD(dogbreed_call, object, 96, 8)                                                    \
    FIELD(dogbreed_call, context, 104, 8)                                                  \
    STRUCT(dogbreed_functions, 104)                                                        \
    FIELD(dogbreed_functions, struct_size, 0, 4)                                           \
    FIELD(dogbreed_functions, reserved, 4, 4)                                              \
    FIELD(dogbreed_functions, model, 8, 8)                                                 \
    FIELD(dogbreed_functions, model_userdata, 16, 8)                                       \
    FIELD(dogbreed_functions, input, 24, 8)                                                \
    FIELD(dogbreed_functions, input_userdata, 32, 8)                                       \
    FIELD(dogbreed_functions, predict, 40, 8)                                              \
    FIELD(dogbreed_functions, predict_userdata, 48, 8)                                     \
    FIELD(dogbreed_functions, output, 56, 8)                                               \
    FIELD(dogbreed_functions, output_userdata, 64, 8)                                      \
    FIELD(dogbreed_functions, transform, 72, 8)                                            \
    FIELD(dogbreed_functions, transform_userdata, 80, 8)                                   \
    FIELD(dogbreed_functions, end, 88, 8)                                                  \
    FIELD(dogbreed_functions, end_userdata, 96, 8)                                         \
    STRUCT(dogbreed_synth_options, 32)                                                     \
    FIELD(dogbreed_synth_options, struct_size, 0, 4)                                       \
    FIELD(dogbreed_synth_options, kind, 4, 4)                                              \
    FIELD(dogbreed_synth_options, seed, 8, 8)                                              \
    FIELD(dogbreed_synth_options, classes, 16, 4)                                          \
    FIELD(dogbreed_synth_options, per_class, 20, 4)                                        \
    FIELD(dogbreed_synth_options, size, 24, 4)                                             \
    FIELD(dogbreed_synth_options, reserved, 28, 4)                                         \
    STRUCT(dogbreed_store_options, 120)                                                    \
    FIELD(dogbreed_store_options, struct_size, 0, 4)                                       \
    FIELD(dogbreed_store_options, kind, 4, 4)                                              \
    FIELD(dogbreed_store_options, endpoint, 8, 8)                                          \
    FIELD(dogbreed_store_options, region, 16, 8)                                           \
    FIELD(dogbreed_store_options, aws_profile, 24, 8)                                      \
    FIELD(dogbreed_store_options, store_dir, 32, 8)                                        \
    FIELD(dogbreed_store_options, part_size, 40, 8)                                        \
    FIELD(dogbreed_store_options, network_timeout, 48, 8)                                  \
    FIELD(dogbreed_store_options, retry_delay, 56, 8)                                      \
    FIELD(dogbreed_store_options, transfers, 64, 4)                                        \
    FIELD(dogbreed_store_options, network_attempts, 68, 4)                                 \
    FIELD(dogbreed_store_options, path_style, 72, 4)                                       \
    FIELD(dogbreed_store_options, sign_request, 76, 4)                                     \
    FIELD(dogbreed_store_options, imds, 80, 4)                                             \
    FIELD(dogbreed_store_options, virtual_host, 84, 4)                                     \
    FIELD(dogbreed_store_options, ca_bundle, 88, 8)                                        \
    FIELD(dogbreed_store_options, encryption, 96, 8)                                       \
    FIELD(dogbreed_store_options, encryption_key, 104, 8)                                  \
    FIELD(dogbreed_store_options, store_cache_bytes, 112, 8)                               \
    STRUCT(dogbreed_store_progress, 40)                                                    \
    FIELD(dogbreed_store_progress, struct_size, 0, 4)                                      \
    FIELD(dogbreed_store_progress, reserved, 4, 4)                                         \
    FIELD(dogbreed_store_progress, files, 8, 8)                                            \
    FIELD(dogbreed_store_progress, files_total, 16, 8)                                     \
    FIELD(dogbreed_store_progress, bytes, 24, 8)                                           \
    FIELD(dogbreed_store_progress, bytes_total, 32, 8)                                     \
    STRUCT(dogbreed_store_object, 40)                                                      \
    FIELD(dogbreed_store_object, struct_size, 0, 4)                                        \
    FIELD(dogbreed_store_object, folder, 4, 4)                                             \
    FIELD(dogbreed_store_object, key, 8, 8)                                                \
    FIELD(dogbreed_store_object, etag, 16, 8)                                              \
    FIELD(dogbreed_store_object, size, 24, 8)                                              \
    FIELD(dogbreed_store_object, modified, 32, 8)                                          \
    STRUCT(dogbreed_profile_options, 48)                                                   \
    FIELD(dogbreed_profile_options, struct_size, 0, 4)                                     \
    FIELD(dogbreed_profile_options, kind, 4, 4)                                            \
    FIELD(dogbreed_profile_options, profile_rules, 8, 8)                                   \
    FIELD(dogbreed_profile_options, profile_trace_bytes, 16, 8)                            \
    FIELD(dogbreed_profile_options, profile_interval, 24, 4)                               \
    FIELD(dogbreed_profile_options, profile_layers, 28, 4)                                 \
    FIELD(dogbreed_profile_options, profile_gpu, 32, 4)                                    \
    FIELD(dogbreed_profile_options, profile_parity, 36, 4)                                 \
    FIELD(dogbreed_profile_options, profile_kernels, 40, 4)                                \
    FIELD(dogbreed_profile_options, reserved, 44, 4)                                       \
    STRUCT(dogbreed_report_options, 88)                                                    \
    FIELD(dogbreed_report_options, struct_size, 0, 4)                                      \
    FIELD(dogbreed_report_options, kind, 4, 4)                                             \
    FIELD(dogbreed_report_options, title, 8, 8)                                            \
    FIELD(dogbreed_report_options, pictures, 16, 8)                                        \
    FIELD(dogbreed_report_options, html_name, 24, 8)                                       \
    FIELD(dogbreed_report_options, pdf_name, 32, 8)                                        \
    FIELD(dogbreed_report_options, json_name, 40, 8)                                       \
    FIELD(dogbreed_report_options, html, 48, 4)                                            \
    FIELD(dogbreed_report_options, pdf, 52, 4)                                             \
    FIELD(dogbreed_report_options, json, 56, 4)                                            \
    FIELD(dogbreed_report_options, gallery, 60, 4)                                         \
    FIELD(dogbreed_report_options, gallery_count, 64, 4)                                   \
    FIELD(dogbreed_report_options, thumbnail, 68, 4)                                       \
    FIELD(dogbreed_report_options, refresh, 72, 4)                                         \
    FIELD(dogbreed_report_options, tensorboard, 76, 4)                                     \
    FIELD(dogbreed_report_options, heat_maps, 80, 4)                                       \
    STRUCT(dogbreed_debug_options, 120)                                                    \
    FIELD(dogbreed_debug_options, struct_size, 0, 4)                                       \
    FIELD(dogbreed_debug_options, kind, 4, 4)                                              \
    FIELD(dogbreed_debug_options, rules, 8, 8)                                             \
    FIELD(dogbreed_debug_options, collections, 16, 8)                                      \
    FIELD(dogbreed_debug_options, include_regex, 24, 8)                                    \
    FIELD(dogbreed_debug_options, reductions, 32, 8)                                       \
    FIELD(dogbreed_debug_options, debug_directory, 40, 8)                                  \
    FIELD(dogbreed_debug_options, debug_config, 48, 8)                                     \
    FIELD(dogbreed_debug_options, rule_command, 56, 8)                                     \
    FIELD(dogbreed_debug_options, save_interval, 64, 8)                                    \
    FIELD(dogbreed_debug_options, start_step, 72, 8)                                       \
    FIELD(dogbreed_debug_options, end_step, 80, 8)                                         \
    FIELD(dogbreed_debug_options, save_all, 88, 4)                                         \
    FIELD(dogbreed_debug_options, rule_action, 92, 4)                                      \
    FIELD(dogbreed_debug_options, rule_parity, 96, 4)                                      \
    FIELD(dogbreed_debug_options, record_crc, 100, 4)                                      \
    FIELD(dogbreed_debug_options, debug_tensorboard, 104, 4)                               \
    FIELD(dogbreed_debug_options, debug_dry_run, 108, 4)                                   \
    FIELD(dogbreed_debug_options, debug_memory, 112, 8)                                    \
    STRUCT(dogbreed_rule_param, 48)                                                        \
    FIELD(dogbreed_rule_param, name, 0, 8)                                                 \
    FIELD(dogbreed_rule_param, unit, 8, 8)                                                 \
    FIELD(dogbreed_rule_param, help, 16, 8)                                                \
    FIELD(dogbreed_rule_param, default_value, 24, 8)                                       \
    FIELD(dogbreed_rule_param, minimum, 32, 8)                                             \
    FIELD(dogbreed_rule_param, maximum, 40, 8)                                             \
    STRUCT(dogbreed_rule_call, 400)                                                        \
    FIELD(dogbreed_rule_call, struct_size, 0, 4)                                           \
    FIELD(dogbreed_rule_call, mode, 4, 4)                                                  \
    FIELD(dogbreed_rule_call, epoch, 8, 4)                                                 \
    FIELD(dogbreed_rule_call, trainable, 12, 4)                                            \
    FIELD(dogbreed_rule_call, step, 16, 8)                                                 \
    FIELD(dogbreed_rule_call, mode_step, 24, 8)                                            \
    FIELD(dogbreed_rule_call, steps_per_epoch, 32, 8)                                      \
    FIELD(dogbreed_rule_call, params, 40, 8)                                               \
    FIELD(dogbreed_rule_call, state, 48, 8)                                                \
    FIELD(dogbreed_rule_call, userdata, 56, 8)                                             \
    FIELD(dogbreed_rule_call, tensor, 64, 8)                                               \
    FIELD(dogbreed_rule_call, values, 72, 8)                                               \
    FIELD(dogbreed_rule_call, count, 80, 8)                                                \
    FIELD(dogbreed_rule_call, stats, 88, 8)                                                \
    FIELD(dogbreed_rule_call, train_loss, 96, 8)                                           \
    FIELD(dogbreed_rule_call, train_accuracy, 104, 8)                                      \
    FIELD(dogbreed_rule_call, val_loss, 112, 8)                                            \
    FIELD(dogbreed_rule_call, val_accuracy, 120, 8)                                        \
    FIELD(dogbreed_rule_call, value, 128, 8)                                               \
    FIELD(dogbreed_rule_call, threshold, 136, 8)                                           \
    FIELD(dogbreed_rule_call, text, 144, 256)                                              \
    STRUCT(dogbreed_rule, 112)                                                             \
    FIELD(dogbreed_rule, struct_size, 0, 4)                                                \
    FIELD(dogbreed_rule, sees, 4, 4)                                                       \
    FIELD(dogbreed_rule, needs, 8, 4)                                                      \
    FIELD(dogbreed_rule, param_count, 12, 4)                                               \
    FIELD(dogbreed_rule, name, 16, 8)                                                      \
    FIELD(dogbreed_rule, summary, 24, 8)                                                   \
    FIELD(dogbreed_rule, advice, 32, 8)                                                    \
    FIELD(dogbreed_rule, tensor_regex, 40, 8)                                              \
    FIELD(dogbreed_rule, params, 48, 8)                                                    \
    FIELD(dogbreed_rule, state_size, 56, 8)                                                \
    FIELD(dogbreed_rule, begin, 64, 8)                                                     \
    FIELD(dogbreed_rule, see, 72, 8)                                                       \
    FIELD(dogbreed_rule, step, 80, 8)                                                      \
    FIELD(dogbreed_rule, epoch, 88, 8)                                                     \
    FIELD(dogbreed_rule, end, 96, 8)                                                       \
    FIELD(dogbreed_rule, userdata, 104, 8)                                                 \
    STRUCT(dogbreed_job_options, 32)                                                       \
    FIELD(dogbreed_job_options, struct_size, 0, 4)                                         \
    FIELD(dogbreed_job_options, kind, 4, 4)                                                \
    FIELD(dogbreed_job_options, pipe_timeout, 8, 8)                                        \
    FIELD(dogbreed_job_options, pipe_bytes_max, 16, 8)                                     \
    FIELD(dogbreed_job_options, pipe_files_max, 24, 8)                                     \
    STRUCT(dogbreed_hyperparameter, 40)                                                    \
    FIELD(dogbreed_hyperparameter, struct_size, 0, 4)                                      \
    FIELD(dogbreed_hyperparameter, recorded, 4, 4)                                         \
    FIELD(dogbreed_hyperparameter, name, 8, 8)                                             \
    FIELD(dogbreed_hyperparameter, option, 16, 8)                                          \
    FIELD(dogbreed_hyperparameter, text, 24, 8)                                            \
    FIELD(dogbreed_hyperparameter, value, 32, 8)                                           \
    STRUCT(dogbreed_quantize_options, 40)                                                  \
    FIELD(dogbreed_quantize_options, struct_size, 0, 4)                                    \
    FIELD(dogbreed_quantize_options, kind, 4, 4)                                           \
    FIELD(dogbreed_quantize_options, percentile, 8, 8)                                     \
    FIELD(dogbreed_quantize_options, images, 16, 4)                                        \
    FIELD(dogbreed_quantize_options, range, 20, 4)                                         \
    FIELD(dogbreed_quantize_options, threads, 24, 4)                                       \
    FIELD(dogbreed_quantize_options, loader_threads, 28, 4)                                \
    FIELD(dogbreed_quantize_options, batch_size, 32, 4)                                    \
    FIELD(dogbreed_quantize_options, measure, 36, 4)                                       \
    STRUCT(dogbreed_evaluate_options, 56)                                                  \
    FIELD(dogbreed_evaluate_options, struct_size, 0, 4)                                    \
    FIELD(dogbreed_evaluate_options, kind, 4, 4)                                           \
    FIELD(dogbreed_evaluate_options, engine, 8, 8)                                         \
    FIELD(dogbreed_evaluate_options, device, 16, 8)                                        \
    FIELD(dogbreed_evaluate_options, cache_dir, 24, 8)                                     \
    FIELD(dogbreed_evaluate_options, batch_size, 32, 4)                                    \
    FIELD(dogbreed_evaluate_options, threads, 36, 4)                                       \
    FIELD(dogbreed_evaluate_options, loader_threads, 40, 4)                                \
    FIELD(dogbreed_evaluate_options, dtype, 44, 4)                                         \
    FIELD(dogbreed_evaluate_options, feature_cache, 48, 4)                                 \
    FIELD(dogbreed_evaluate_options, predictions, 52, 4)                                   \
    STRUCT(dogbreed_evaluation, 128)                                                       \
    FIELD(dogbreed_evaluation, struct_size, 0, 4)                                          \
    FIELD(dogbreed_evaluation, classes, 4, 4)                                              \
    FIELD(dogbreed_evaluation, count, 8, 8)                                                \
    FIELD(dogbreed_evaluation, correct, 16, 8)                                             \
    FIELD(dogbreed_evaluation, correct5, 24, 8)                                            \
    FIELD(dogbreed_evaluation, loss, 32, 8)                                                \
    FIELD(dogbreed_evaluation, top1, 40, 8)                                                \
    FIELD(dogbreed_evaluation, top1_low, 48, 8)                                            \
    FIELD(dogbreed_evaluation, top1_high, 56, 8)                                           \
    FIELD(dogbreed_evaluation, top5, 64, 8)                                                \
    FIELD(dogbreed_evaluation, seconds, 72, 8)                                             \
    FIELD(dogbreed_evaluation, ece, 80, 8)                                                 \
    FIELD(dogbreed_evaluation, temperature, 88, 8)                                         \
    FIELD(dogbreed_evaluation, scaled_ece, 96, 8)                                          \
    FIELD(dogbreed_evaluation, scaled_loss, 104, 8)                                        \
    FIELD(dogbreed_evaluation, auc, 112, 8)                                                \
    FIELD(dogbreed_evaluation, average_precision, 120, 8)                                  \
    STRUCT(dogbreed_record_step_info, 32)                                                  \
    FIELD(dogbreed_record_step_info, struct_size, 0, 4)                                    \
    FIELD(dogbreed_record_step_info, mode, 4, 4)                                           \
    FIELD(dogbreed_record_step_info, step, 8, 8)                                           \
    FIELD(dogbreed_record_step_info, mode_step, 16, 8)                                     \
    FIELD(dogbreed_record_step_info, tensor_count, 24, 4)                                  \
    FIELD(dogbreed_record_step_info, complete, 28, 4)                                      \
    STRUCT(dogbreed_record_tensor_info, 120)                                               \
    FIELD(dogbreed_record_tensor_info, struct_size, 0, 4)                                  \
    FIELD(dogbreed_record_tensor_info, dtype, 4, 4)                                        \
    FIELD(dogbreed_record_tensor_info, name, 8, 8)                                         \
    FIELD(dogbreed_record_tensor_info, original, 16, 8)                                    \
    FIELD(dogbreed_record_tensor_info, worker, 24, 8)                                      \
    FIELD(dogbreed_record_tensor_info, rank, 32, 4)                                        \
    FIELD(dogbreed_record_tensor_info, has_values, 36, 4)                                  \
    FIELD(dogbreed_record_tensor_info, shape, 40, 64)                                      \
    FIELD(dogbreed_record_tensor_info, count, 104, 8)                                      \
    FIELD(dogbreed_record_tensor_info, size, 112, 8)                                       \
    STRUCT(dogbreed_tensor, 56)                                                            \
    FIELD(dogbreed_tensor, struct_size, 0, 4)                                              \
    FIELD(dogbreed_tensor, what, 4, 4)                                                     \
    FIELD(dogbreed_tensor, name, 8, 8)                                                     \
    FIELD(dogbreed_tensor, dtype, 16, 4)                                                   \
    FIELD(dogbreed_tensor, rank, 20, 4)                                                    \
    FIELD(dogbreed_tensor, shape, 24, 32)                                                  \
    STRUCT(dogbreed_tensor_stats, 88)                                                      \
    FIELD(dogbreed_tensor_stats, struct_size, 0, 4)                                        \
    FIELD(dogbreed_tensor_stats, reserved, 4, 4)                                           \
    FIELD(dogbreed_tensor_stats, minimum, 8, 8)                                            \
    FIELD(dogbreed_tensor_stats, maximum, 16, 8)                                           \
    FIELD(dogbreed_tensor_stats, mean, 24, 8)                                              \
    FIELD(dogbreed_tensor_stats, deviation, 32, 8)                                         \
    FIELD(dogbreed_tensor_stats, norm, 40, 8)                                              \
    FIELD(dogbreed_tensor_stats, zero_share, 48, 8)                                        \
    FIELD(dogbreed_tensor_stats, nan_count, 56, 8)                                         \
    FIELD(dogbreed_tensor_stats, infinity_count, 64, 8)                                    \
    FIELD(dogbreed_tensor_stats, absolute_minimum, 72, 8)                                  \
    FIELD(dogbreed_tensor_stats, absolute_mean, 80, 8)                                     \
    STRUCT(dogbreed_event, 160)                                                            \
    FIELD(dogbreed_event, struct_size, 0, 4)                                               \
    FIELD(dogbreed_event, kind, 4, 4)                                                      \
    FIELD(dogbreed_event, epoch, 8, 4)                                                     \
    FIELD(dogbreed_event, epochs, 12, 4)                                                   \
    FIELD(dogbreed_event, step, 16, 8)                                                     \
    FIELD(dogbreed_event, steps, 24, 8)                                                    \
    FIELD(dogbreed_event, done, 32, 8)                                                     \
    FIELD(dogbreed_event, total, 40, 8)                                                    \
    FIELD(dogbreed_event, time, 48, 8)                                                     \
    FIELD(dogbreed_event, learning_rate, 56, 8)                                            \
    FIELD(dogbreed_event, loss, 64, 8)                                                     \
    FIELD(dogbreed_event, train_loss, 72, 8)                                               \
    FIELD(dogbreed_event, train_accuracy, 80, 8)                                           \
    FIELD(dogbreed_event, val_loss, 88, 8)                                                 \
    FIELD(dogbreed_event, val_accuracy, 96, 8)                                             \
    FIELD(dogbreed_event, val_top5, 104, 8)                                                \
    FIELD(dogbreed_event, images_per_second, 112, 8)                                       \
    FIELD(dogbreed_event, text, 120, 8)                                                    \
    FIELD(dogbreed_event, improved, 128, 4)                                                \
    FIELD(dogbreed_event, tensor_count, 132, 4)                                            \
    FIELD(dogbreed_event, context, 136, 8)                                                 \
    FIELD(dogbreed_event, rule, 144, 8)                                                    \
    FIELD(dogbreed_event, status, 152, 4)                                                  \
    FIELD(dogbreed_event, reserved, 156, 4)                                                \
    STRUCT(dogbreed_architecture, 56)                                                      \
    FIELD(dogbreed_architecture, struct_size, 0, 4)                                        \
    FIELD(dogbreed_architecture, input_size, 4, 4)                                         \
    FIELD(dogbreed_architecture, name, 8, 8)                                               \
    FIELD(dogbreed_architecture, family, 16, 8)                                            \
    FIELD(dogbreed_architecture, stages, 24, 8)                                            \
    FIELD(dogbreed_architecture, parameter_count, 32, 8)                                   \
    FIELD(dogbreed_architecture, multiply_add_count, 40, 8)                                \
    FIELD(dogbreed_architecture, feature_size, 48, 4)                                      \
    FIELD(dogbreed_architecture, resize, 52, 4)                                            \
    STRUCT(dogbreed_model_options, 72)                                                     \
    FIELD(dogbreed_model_options, struct_size, 0, 4)                                       \
    FIELD(dogbreed_model_options, kind, 4, 4)                                              \
    FIELD(dogbreed_model_options, seed, 8, 8)                                              \
    FIELD(dogbreed_model_options, architecture, 16, 8)                                     \
    FIELD(dogbreed_model_options, weights, 24, 8)                                          \
    FIELD(dogbreed_model_options, head, 32, 8)                                             \
    FIELD(dogbreed_model_options, freeze, 40, 8)                                           \
    FIELD(dogbreed_model_options, classes, 48, 4)                                          \
    FIELD(dogbreed_model_options, batch_norm, 52, 4)                                       \
    FIELD(dogbreed_model_options, input_size, 56, 4)                                       \
    FIELD(dogbreed_model_options, resize, 60, 4)                                           \
    FIELD(dogbreed_model_options, filter, 64, 4)                                           \
    FIELD(dogbreed_model_options, exif_orientation, 68, 4)                                 \
    STRUCT(dogbreed_parameter, 64)                                                         \
    FIELD(dogbreed_parameter, struct_size, 0, 4)                                           \
    FIELD(dogbreed_parameter, trainable, 4, 4)                                             \
    FIELD(dogbreed_parameter, name, 8, 8)                                                  \
    FIELD(dogbreed_parameter, rank, 16, 4)                                                 \
    FIELD(dogbreed_parameter, buffer, 20, 4)                                               \
    FIELD(dogbreed_parameter, shape, 24, 32)                                               \
    FIELD(dogbreed_parameter, data, 56, 8)                                                 \
    STRUCT(dogbreed_option_info, 72)                                                       \
    FIELD(dogbreed_option_info, struct_size, 0, 4)                                         \
    FIELD(dogbreed_option_info, type, 4, 4)                                                \
    FIELD(dogbreed_option_info, name, 8, 8)                                                \
    FIELD(dogbreed_option_info, choices, 16, 8)                                            \
    FIELD(dogbreed_option_info, default_value, 24, 8)                                      \
    FIELD(dogbreed_option_info, unit, 32, 8)                                               \
    FIELD(dogbreed_option_info, help, 40, 8)                                               \
    FIELD(dogbreed_option_info, minimum, 48, 8)                                            \
    FIELD(dogbreed_option_info, maximum, 56, 8)                                            \
    FIELD(dogbreed_option_info, offset, 64, 4)                                             \
    FIELD(dogbreed_option_info, reserved, 68, 4)                                           \
    STRUCT(dogbreed_tuner_options, 112)                                                     \
    FIELD(dogbreed_tuner_options, struct_size, 0, 4)                                       \
    FIELD(dogbreed_tuner_options, kind, 4, 4)                                              \
    FIELD(dogbreed_tuner_options, seed, 8, 8)                                              \
    FIELD(dogbreed_tuner_options, time_limit, 16, 8)                                       \
    FIELD(dogbreed_tuner_options, target, 24, 8)                                           \
    FIELD(dogbreed_tuner_options, storage, 32, 8)                                          \
    FIELD(dogbreed_tuner_options, study, 40, 8)                                            \
    FIELD(dogbreed_tuner_options, trials, 48, 4)                                           \
    FIELD(dogbreed_tuner_options, sampler, 52, 4)                                          \
    FIELD(dogbreed_tuner_options, startup, 56, 4)                                          \
    FIELD(dogbreed_tuner_options, pruner, 60, 4)                                           \
    FIELD(dogbreed_tuner_options, objective, 64, 4)                                        \
    FIELD(dogbreed_tuner_options, round, 68, 4)                                            \
    FIELD(dogbreed_tuner_options, patience_trials, 72, 4)                                  \
    FIELD(dogbreed_tuner_options, converge, 76, 4)                                         \
    FIELD(dogbreed_tuner_options, workers, 80, 4)                                          \
    FIELD(dogbreed_tuner_options, kfold, 84, 4)                                            \
    FIELD(dogbreed_tuner_options, bank_bytes_max, 88, 8)                                   \
    FIELD(dogbreed_tuner_options, trial_rules, 96, 8)                                      \
    FIELD(dogbreed_tuner_options, rule_prune, 104, 4)                                      \
    FIELD(dogbreed_tuner_options, reserved, 108, 4)                                        \
    STRUCT(dogbreed_command_options, 56)                                                   \
    FIELD(dogbreed_command_options, struct_size, 0, 4)                                     \
    FIELD(dogbreed_command_options, kind, 4, 4)                                            \
    FIELD(dogbreed_command_options, program, 8, 8)                                         \
    FIELD(dogbreed_command_options, trial_folder, 16, 8)                                   \
    FIELD(dogbreed_command_options, command_time_limit, 24, 8)                             \
    FIELD(dogbreed_command_options, command_grace, 32, 8)                                  \
    FIELD(dogbreed_command_options, log_bytes_max, 40, 8)                                  \
    FIELD(dogbreed_command_options, parallel, 48, 4)                                       \
    FIELD(dogbreed_command_options, steps, 52, 4)                                          \
    STRUCT(dogbreed_trial_event, 96)                                                       \
    FIELD(dogbreed_trial_event, struct_size, 0, 4)                                         \
    FIELD(dogbreed_trial_event, kind, 4, 4)                                                \
    FIELD(dogbreed_trial_event, number, 8, 8)                                              \
    FIELD(dogbreed_trial_event, done, 16, 8)                                               \
    FIELD(dogbreed_trial_event, total, 24, 8)                                              \
    FIELD(dogbreed_trial_event, best_number, 32, 8)                                        \
    FIELD(dogbreed_trial_event, value, 40, 8)                                              \
    FIELD(dogbreed_trial_event, best_value, 48, 8)                                         \
    FIELD(dogbreed_trial_event, time, 56, 8)                                               \
    FIELD(dogbreed_trial_event, epoch, 64, 4)                                              \
    FIELD(dogbreed_trial_event, epochs, 68, 4)                                             \
    FIELD(dogbreed_trial_event, state, 72, 4)                                              \
    FIELD(dogbreed_trial_event, reserved, 76, 4)                                           \
    FIELD(dogbreed_trial_event, params, 80, 8)                                             \
    FIELD(dogbreed_trial_event, reason, 88, 8)                                             \
    STRUCT(dogbreed_predictor_options, 64)                                                 \
    FIELD(dogbreed_predictor_options, struct_size, 0, 4)                                   \
    FIELD(dogbreed_predictor_options, kind, 4, 4)                                          \
    FIELD(dogbreed_predictor_options, engine, 8, 8)                                        \
    FIELD(dogbreed_predictor_options, device, 16, 8)                                       \
    FIELD(dogbreed_predictor_options, pixels_max, 24, 8)                                   \
    FIELD(dogbreed_predictor_options, bytes_max, 32, 8)                                    \
    FIELD(dogbreed_predictor_options, threads, 40, 4)                                      \
    FIELD(dogbreed_predictor_options, batch_size, 44, 4)                                   \
    FIELD(dogbreed_predictor_options, dtype, 48, 4)                                        \
    FIELD(dogbreed_predictor_options, jpeg_warnings, 52, 4)                                \
    FIELD(dogbreed_predictor_options, cache_dir, 56, 8)                                    \
    STRUCT(dogbreed_prediction, 8)                                                         \
    FIELD(dogbreed_prediction, index, 0, 4)                                                \
    FIELD(dogbreed_prediction, probability, 4, 4)                                          \
    STRUCT(dogbreed_rectangle, 16)                                                         \
    FIELD(dogbreed_rectangle, left, 0, 4)                                                  \
    FIELD(dogbreed_rectangle, top, 4, 4)                                                   \
    FIELD(dogbreed_rectangle, right, 8, 4)                                                 \
    FIELD(dogbreed_rectangle, bottom, 12, 4)                                               \
    STRUCT(dogbreed_transform_options, 24)                                                 \
    FIELD(dogbreed_transform_options, struct_size, 0, 4)                                   \
    FIELD(dogbreed_transform_options, kind, 4, 4)                                          \
    FIELD(dogbreed_transform_options, accept, 8, 4)                                        \
    FIELD(dogbreed_transform_options, top_k, 12, 4)                                        \
    FIELD(dogbreed_transform_options, overwrite, 16, 4)                                    \
    FIELD(dogbreed_transform_options, reserved, 20, 4)                                     \
    STRUCT(dogbreed_transform_result, 56)                                                  \
    FIELD(dogbreed_transform_result, struct_size, 0, 4)                                    \
    FIELD(dogbreed_transform_result, state, 4, 4)                                          \
    FIELD(dogbreed_transform_result, path, 8, 8)                                           \
    FIELD(dogbreed_transform_result, name, 16, 8)                                          \
    FIELD(dogbreed_transform_result, message, 24, 8)                                       \
    FIELD(dogbreed_transform_result, done, 32, 8)                                          \
    FIELD(dogbreed_transform_result, total, 40, 8)                                         \
    FIELD(dogbreed_transform_result, code, 48, 4)                                          \
    FIELD(dogbreed_transform_result, reserved, 52, 4)                                      \
    STRUCT(dogbreed_trainer_options, 216)                                                  \
    FIELD(dogbreed_trainer_options, struct_size, 0, 4)                                     \
    FIELD(dogbreed_trainer_options, kind, 4, 4)                                            \
    FIELD(dogbreed_trainer_options, seed, 8, 8)                                            \
    FIELD(dogbreed_trainer_options, learning_rate, 16, 8)                                  \
    FIELD(dogbreed_trainer_options, momentum, 24, 8)                                       \
    FIELD(dogbreed_trainer_options, weight_decay, 32, 8)                                   \
    FIELD(dogbreed_trainer_options, beta1, 40, 8)                                          \
    FIELD(dogbreed_trainer_options, beta2, 48, 8)                                          \
    FIELD(dogbreed_trainer_options, epsilon, 56, 8)                                        \
    FIELD(dogbreed_trainer_options, label_smoothing, 64, 8)                                \
    FIELD(dogbreed_trainer_options, warmup_epochs, 72, 8)                                  \
    FIELD(dogbreed_trainer_options, step_gamma, 80, 8)                                     \
    FIELD(dogbreed_trainer_options, min_delta, 88, 8)                                      \
    FIELD(dogbreed_trainer_options, time_limit, 96, 8)                                     \
    FIELD(dogbreed_trainer_options, engine, 104, 8)                                        \
    FIELD(dogbreed_trainer_options, device, 112, 8)                                        \
    FIELD(dogbreed_trainer_options, cache_dir, 120, 8)                                     \
    FIELD(dogbreed_trainer_options, decoded_cache_bytes, 128, 8)                           \
    FIELD(dogbreed_trainer_options, feature_cache_bytes, 136, 8)                           \
    FIELD(dogbreed_trainer_options, epochs, 144, 4)                                        \
    FIELD(dogbreed_trainer_options, batch_size, 148, 4)                                    \
    FIELD(dogbreed_trainer_options, optimizer, 152, 4)                                     \
    FIELD(dogbreed_trainer_options, nesterov, 156, 4)                                      \
    FIELD(dogbreed_trainer_options, schedule, 160, 4)                                      \
    FIELD(dogbreed_trainer_options, step_epochs, 164, 4)                                   \
    FIELD(dogbreed_trainer_options, threads, 168, 4)                                       \
    FIELD(dogbreed_trainer_options, loader_threads, 172, 4)                                \
    FIELD(dogbreed_trainer_options, deterministic, 176, 4)                                 \
    FIELD(dogbreed_trainer_options, augment, 180, 4)                                       \
    FIELD(dogbreed_trainer_options, augment_views, 184, 4)                                 \
    FIELD(dogbreed_trainer_options, feature_cache, 188, 4)                                 \
    FIELD(dogbreed_trainer_options, dtype, 192, 4)                                         \
    FIELD(dogbreed_trainer_options, class_weights, 196, 4)                                 \
    FIELD(dogbreed_trainer_options, monitor, 200, 4)                                       \
    FIELD(dogbreed_trainer_options, patience, 204, 4)                                      \
    FIELD(dogbreed_trainer_options, keep, 208, 4)                                          \
    FIELD(dogbreed_trainer_options, reserved, 212, 4)
// clang-format on

#define CHECK_STRUCT(type, bytes)                                                                  \
    _Static_assert(sizeof(type) == (bytes), #type " has another size");
#define CHECK_FIELD(type, field, at, bytes)                                                        \
    _Static_assert(offsetof(type, field) == (at) && sizeof(((type *)0)->field) == (bytes),         \
                   #type "." #field " has moved");
LAYOUT(CHECK_STRUCT, CHECK_FIELD)

#define PRINT_STRUCT(type, bytes) {#type, "", 0, bytes},
#define PRINT_FIELD(type, field, at, bytes) {#type, #field, at, bytes},
static const struct row {
    const char *type;
    const char *field; // "": the struct itself
    int offset;
    int bytes;
} rows[] = {LAYOUT(PRINT_STRUCT, PRINT_FIELD)};

int main(void) {
    (void)printf("[");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)printf("%s{\"type\":\"%s\",\"field\":\"%s\",\"offset\":%d,\"bytes\":%d}",
                     i == 0 ? "" : ",\n", rows[i].type, rows[i].field, rows[i].offset,
                     rows[i].bytes);
    }
    (void)printf("]\n");
    return 0;
}
