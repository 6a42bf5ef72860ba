// options.c - the table of dogbreed_store_options.
#include "store/client.h"

static const dogb_option options[] = {
    DOGB_OPTION_STRING(dogbreed_store_options, endpoint, "",
                       "Server of s3:// paths, http://host:port; empty: AWS_ENDPOINT_URL_S3, "
                       "AWS_ENDPOINT_URL, S3_ENDPOINT_URL, else Amazon's."),
    DOGB_OPTION_STRING(dogbreed_store_options, region, "",
                       "Region of s3:// paths; empty: AWS_REGION, AWS_DEFAULT_REGION, the "
                       "profile's, us-east-1."),
    DOGB_OPTION_STRING(dogbreed_store_options, aws_profile, "",
                       "Profile of ~/.aws with credentials and region; empty: AWS_PROFILE, else "
                       "default."),
    DOGB_OPTION_STRING(dogbreed_store_options, store_dir, "",
                       "Folder of local copies and journals of s3:// paths; empty: store in the "
                       "user's cache folder."),
    DOGB_OPTION_INT64(dogbreed_store_options, part_size, 5242880, 5368709120.0, "8388608", "bytes",
                      "Larger objects travel in parts of this size."),
    DOGB_OPTION_DOUBLE(dogbreed_store_options, network_timeout, 1, 3600, "60", "seconds",
                       "An attempt has failed after so long without a byte."),
    DOGB_OPTION_DOUBLE(dogbreed_store_options, retry_delay, 0, 60, "0.5", "seconds",
                       "Longest wait before the second attempt; it doubles with each one, 20 at "
                       "most."),
    DOGB_OPTION_INT32(dogbreed_store_options, transfers, 1, DOGB_TRANSFERS_MAX, "10", "",
                      "Transfers at the same time."),
    DOGB_OPTION_INT32(dogbreed_store_options, network_attempts, 1, 20, "5", "",
                      "Attempts of each request."),
    DOGB_OPTION_SWITCH(dogbreed_store_options, path_style, "off",
                       "The bucket always stands in the path; off: in the host's name at Amazon, "
                       "if it has no dot."),
    DOGB_OPTION_SWITCH(dogbreed_store_options, sign_request, "on",
                       "Sign requests; off: anonymous, for public buckets."),
    DOGB_OPTION_SWITCH(dogbreed_store_options, imds, "off",
                       "Ask the machine's metadata service for credentials when there are none "
                       "elsewhere."),
    DOGB_OPTION_SWITCH(
        dogbreed_store_options, virtual_host, "off",
        "The bucket stands in the host's name at an endpoint of one's own too, if it "
        "has no dot."),
    DOGB_OPTION_STRING(dogbreed_store_options, ca_bundle, "",
                       "PEM file of the authorities that https servers of s3:// paths are checked "
                       "by; empty: AWS_CA_BUNDLE, else the system's."),
    DOGB_OPTION_STRING(dogbreed_store_options, encryption, "",
                       "Encryption that uploads ask the server for: AES256 or aws:kms; empty: what "
                       "the bucket does by itself."),
    DOGB_OPTION_STRING(dogbreed_store_options, encryption_key, "",
                       "Id of the key with aws:kms; empty: the server's default key."),
    DOGB_OPTION_INT64(dogbreed_store_options, store_cache_bytes, 0, 9007199254740992.0, "0",
                      "bytes",
                      "Size bound of the local copies of s3:// paths; those that were used longest "
                      "ago are removed; 0: no bound."),
};

const dogb_table dogb_store_table = {
    .name = "store",
    .kind = DOGBREED_KIND_STORE,
    .size = sizeof(dogbreed_store_options),
    .options = options,
    .count = sizeof options / sizeof *options,
};

int dogbreed_store_options_init(dogbreed_store_options *out, size_t struct_size) {
    return dogb_table_init(&dogb_store_table, out, struct_size);
}
